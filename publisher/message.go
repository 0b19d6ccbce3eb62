package publisher

import (
	"maps"
	"strings"
	"time"

	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// A message is sent as it was accepted, but for two things that may have changed since: how long it is still to live, and
// the prefix of the stream's subjects.

// timeToLive is what is left of the life of a record whose action has one.
func timeToLive(r *journal.Record, now time.Time) (left time.Duration, mortal bool) {
	values := r.Message.Header[schema.HeaderTTL]
	if len(values) == 0 {
		return 0, false
	}
	life, err := time.ParseDuration(values[0])
	if err != nil {
		return 0, false
	}
	return life - max(0, now.Sub(r.Accepted)), true
}

// withTTL gives a message that was held up the life that is left to it, at least the second that the server asks for.
// What was not held up keeps its header as it is.
func withTTL(header map[string][]string, left time.Duration) map[string][]string {
	ttl := max(left.Round(time.Second), time.Second).String()
	if header[schema.HeaderTTL][0] == ttl {
		return header
	}
	header = maps.Clone(header) // readers of the journal share it
	header[schema.HeaderTTL] = []string{ttl}
	return header
}

// subject is where a message goes today: the stream may have got another prefix since it was accepted.
func (s *stream) subject(accepted string) string {
	prefix, rest, _ := strings.Cut(accepted, ".")
	if prefix == s.prefix {
		return accepted
	}
	return s.prefix + "." + rest
}
