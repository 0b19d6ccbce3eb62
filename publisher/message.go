package publisher

import (
	"strings"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/schema"
)

// A message is sent as it was accepted, but for two things that may have changed since: how long it is still to live, and
// the prefix of the stream's subjects.

// A carrier holds the one message that is being sent. nats.go copies what it sends, so the next may use the same memory.
type carrier struct {
	message nats.Msg
	values  []string
}

func (c *carrier) load(subject, reply string, m *schema.Message) *nats.Msg {
	if c.message.Header == nil {
		c.message.Header = make(nats.Header, 16)
	}
	clear(c.message.Header)
	c.values = c.values[:0]
	for name, value := range m.Header.All() {
		c.values = append(c.values, value)
		c.message.Header[name] = c.values[len(c.values)-1 : len(c.values) : len(c.values)]
	}
	c.message.Subject, c.message.Reply, c.message.Data = subject, reply, m.Body
	return &c.message
}

// heldUpLife is how long the stream keeps at least what was held up until its life was nearly or wholly over: long enough
// for consumers to see it and make a dead letter of it, where it would otherwise go without a trace.
const heldUpLife = time.Minute

// timeToLive is what is left of the life of a message whose action has one. No life: it has none.
func timeToLive(h nats.Header, accepted, now time.Time) (left, life time.Duration) {
	value := h.Get(schema.HeaderTTL)
	if value == "" {
		return 0, 0
	}
	life, err := time.ParseDuration(value)
	if err != nil {
		return 0, 0
	}
	return life - max(0, now.Sub(accepted)), life
}

// ttl words a life as the server takes it: in whole seconds, at least one.
func ttl(left time.Duration) string { return max(left.Round(time.Second), time.Second).String() }

// subject is where a message goes today: the stream may have got another prefix since it was accepted.
func (s *stream) subject(accepted string) string {
	prefix, rest, _ := strings.Cut(accepted, ".")
	if prefix == s.prefix {
		return accepted
	}
	return s.prefix + "." + rest
}
