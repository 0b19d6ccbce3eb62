package broker

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
)

// signature is the key in a stream's metadata under which forebay keeps the settings that it wrote, by name. While
// they are still what the stream has, the stream is ours to update.
const signature = "forebay-settings"

// A setting is one property of a stream that forebay decides, as text that is equal when the property is.
type setting struct {
	name string // as nats-server spells it
	text func(jetstream.StreamConfig) string
}

// settings lists them in the order in which they are reported.
func settings() []setting {
	type config = jetstream.StreamConfig
	return []setting{
		{"subjects", func(c config) string { return list(c.Subjects) }},
		{"storage", func(c config) string { return strings.ToLower(c.Storage.String()) }},
		{"retention", func(c config) string { return strings.ToLower(c.Retention.String()) }},
		{"discard", func(c config) string { return discard(c.Discard) }},
		{"max_age", func(c config) string { return duration(c.MaxAge) }},
		{"max_bytes", func(c config) string { return size(c.MaxBytes) }},
		{"max_msgs", func(c config) string { return count(c.MaxMsgs) }},
		{"max_msgs_per_subject", func(c config) string { return count(c.MaxMsgsPerSubject) }},
		{"max_msg_size", func(c config) string { return size(int64(c.MaxMsgSize)) }},
		{"num_replicas", func(c config) string { return strconv.Itoa(max(1, c.Replicas)) }},
		{"duplicate_window", func(c config) string { return duration(c.Duplicates) }},
		{"allow_msg_ttl", func(c config) string { return onOff(c.AllowMsgTTL) }},
		{"allow_direct", func(c config) string { return onOff(c.AllowDirect) }},
	}
}

func texts(c jetstream.StreamConfig) map[string]string {
	all := map[string]string{}
	for _, s := range settings() {
		all[s.name] = s.text(c)
	}
	return all
}

// sign writes the settings of a stream into its metadata.
func sign(c *jetstream.StreamConfig) {
	text, err := json.Marshal(texts(*c))
	if err != nil {
		panic(err) // a map of strings
	}
	c.Metadata = maps.Clone(c.Metadata)
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[signature] = string(text)
}

// isOurs reports whether forebay wrote the settings that the stream has. A setting that the forebay of then did not
// know does not count.
func isOurs(c jetstream.StreamConfig) bool {
	var wrote map[string]string
	if json.Unmarshal([]byte(c.Metadata[signature]), &wrote) != nil || len(wrote) == 0 {
		return false
	}
	have := texts(c)
	for name, text := range wrote {
		if now, known := have[name]; known && now != text {
			return false
		}
	}
	return true
}

func same(have, want jetstream.StreamConfig) bool {
	return maps.Equal(texts(have), texts(want))
}

// merge puts the settings of want into the stream that is there, and leaves alone what is not ours.
func merge(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	c := have
	c.Subjects, c.Storage, c.Retention, c.Discard = want.Subjects, want.Storage, want.Retention, want.Discard
	c.MaxAge, c.MaxBytes, c.MaxMsgs = want.MaxAge, want.MaxBytes, want.MaxMsgs
	c.MaxMsgsPerSubject, c.MaxMsgSize = want.MaxMsgsPerSubject, want.MaxMsgSize
	c.Replicas, c.Duplicates = want.Replicas, want.Duplicates
	c.AllowMsgTTL, c.AllowDirect = want.AllowMsgTTL, want.AllowDirect
	sign(&c)
	return c
}

// compare tells how the stream differs from the configuration. What breaks a promise is the error.
func compare(have, want jetstream.StreamConfig, guard time.Duration, maxPayload int64) (harmless []string, err error) {
	return differ(have, want, breaks(have, want, guard, maxPayload))
}

// differ words how a stream is not what is wanted. What there is a reason against, by the name of the property, is the
// error.
func differ(have, want jetstream.StreamConfig, reasons map[string]string) (harmless []string, err error) {
	wanted := texts(want)
	var errs []error
	for _, s := range settings() {
		reason, broken := reasons[s.name]
		delete(reasons, s.name)
		text := s.text(have)
		switch {
		case broken:
			errs = append(errs, fmt.Errorf("stream %s: %s is %s: %s", have.Name, s.name, text, reason))
		case text != wanted[s.name]:
			harmless = append(harmless, fmt.Sprintf("stream %s: %s is %s, the configuration says %s",
				have.Name, s.name, text, wanted[s.name]))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(reasons)) {
		errs = append(errs, fmt.Errorf("stream %s: %s is set: %s", have.Name, name, reasons[name]))
	}
	return harmless, errors.Join(errs...)
}

// breaks gives the reason for every property of the stream that would break a promise, by its name.
func breaks(have, want jetstream.StreamConfig, guard time.Duration, maxPayload int64) map[string]string {
	limited := have.MaxMsgs > 0 || have.MaxBytes > 0 || have.DiscardNewPerSubject
	missing := uncovered(want.Subjects, have.Subjects)
	broken := map[string]string{}
	for _, c := range []struct {
		name   string
		is     bool
		reason string
	}{
		{"subjects", len(missing) > 0, "it does not take " + list(missing) + ": add that, or set stream.name to another name"},
		{"storage", have.Storage != jetstream.FileStorage, "accepted events would be lost with the server: it must be file"},
		{"retention", have.Retention != jetstream.LimitsPolicy, "consumed events could not be replayed: it must be limits"},
		{"discard", have.Discard == jetstream.DiscardNew && limited, "a full stream would refuse new events: it must be old"},
		{"max_msg_size", have.MaxMsgSize > 0 && int64(have.MaxMsgSize) < maxPayload,
			"large events would be refused: it must be at least the server's max_payload, " + size(maxPayload)},
		{"duplicate_window", have.Duplicates < guard,
			"events could be stored twice: it must be at least the guard window, " + duration(guard)},
		{"allow_msg_ttl", !have.AllowMsgTTL, "codes could not expire: turn it on"},
		{"sealed", have.Sealed, "it takes no more messages: set stream.name to another name"},
		{"no_ack", have.NoAck, "forebay could not know what is stored: it must be off"},
		{"mirror", have.Mirror != nil, "it takes no messages of its own: set stream.name to another name"},
		{"subject_transform", have.SubjectTransform != nil, "events would arrive on other subjects: remove it"},
		{"allow_msg_counter", have.AllowMsgCounter, "events are not counters: set stream.name to another name"},
	} {
		if c.is {
			broken[c.name] = c.reason
		}
	}
	return broken
}

// uncovered are the subjects that none of the filters takes whole.
func uncovered(subjects, filters []string) (missing []string) {
	for _, subject := range subjects {
		covers := func(filter string) bool { return server.SubjectMatchesFilter(subject, filter) }
		if !slices.ContainsFunc(filters, covers) {
			missing = append(missing, subject)
		}
	}
	return missing
}

func list(subjects []string) string {
	if len(subjects) == 0 {
		return "none"
	}
	return strings.Join(slices.Sorted(slices.Values(subjects)), " and ")
}

func discard(p jetstream.DiscardPolicy) string {
	return strings.TrimPrefix(strings.ToLower(p.String()), "discard") // "DiscardOld"
}

func onOff(b bool) string {
	if b {
		return "on"
	}
	return "off"
}

// count is a limit, which JetStream leaves out by 0 or -1.
func count(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	return strconv.FormatInt(n, 10)
}

// size is a limit in bytes, in the largest unit that divides it: "10GiB".
func size(n int64) string {
	if n <= 0 {
		return "unlimited"
	}
	unit := 0
	for n%1024 == 0 && unit < 4 {
		n, unit = n/1024, unit+1
	}
	return fmt.Sprintf("%d%s", n, []string{"B", "KiB", "MiB", "GiB", "TiB"}[unit])
}

// duration is a limit without the units that are zero: "720h", not "720h0m0s".
func duration(d time.Duration) string {
	if d <= 0 {
		return "unlimited"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
