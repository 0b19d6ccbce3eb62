package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Declare makes the streams of advisories and of dead letters, and its durable. Do it before any consumer runs: what the server says
// without a stream that listens is lost. A stream that Declare made and nobody changed since follows the configuration.
// One that somebody else made or changed is left as it is, but that it takes our subjects; what differs is logged.
func (d *DeadLetters) Declare(ctx context.Context) error {
	d.quiet()
	if err := d.Stream.check(); err != nil {
		return fmt.Errorf("declare dead letters: %w", err)
	}
	for _, c := range []jetstream.StreamConfig{d.advisories(), d.letters()} {
		differences, err := d.ensure(ctx, c)
		if err != nil {
			return fmt.Errorf("declare stream %s: %w", c.Name, err)
		}
		d.say(differences)
	}
	_, err := d.JS.CreateOrUpdateConsumer(ctx, d.Stream.Advisory(), jetstream.ConsumerConfig{
		Durable: collector, AckPolicy: jetstream.AckExplicitPolicy, AckWait: 30 * time.Second, MaxAckPending: fetchMost,
	})
	if err != nil {
		return fmt.Errorf("declare consumer %s: %w", collector, err)
	}
	return nil
}

func (d *DeadLetters) quiet() {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
}

// say logs each difference once.
func (d *DeadLetters) say(differences []string) {
	if d.said == nil {
		d.said = map[string]bool{}
	}
	for _, difference := range differences {
		if !d.said[difference] {
			d.said[difference] = true
			d.Log.Warn("stream left as it is", "err", difference)
		}
	}
}

func (d *DeadLetters) advisories() jetstream.StreamConfig {
	events := "$JS.EVENT.ADVISORY.CONSUMER."
	return jetstream.StreamConfig{
		Name:        d.Stream.Advisory(),
		Description: "What the server says of attempts that ended, read by Forebay",
		Subjects:    []string{events + "MAX_DELIVERIES." + d.Stream.Name + ".*", events + "MSG_TERMINATED." + d.Stream.Name + ".*"},
		Retention:   jetstream.WorkQueuePolicy,
		Replicas:    max(1, d.Stream.Replicas),
	}
}

func (d *DeadLetters) letters() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        d.Stream.Dead(),
		Description: "Dead letters, kept by Forebay",
		Subjects:    []string{d.Stream.Prefix + "-dead.>"},
		Replicas:    max(1, d.Stream.Replicas),
		MaxAge:      d.Stream.MaxAge,
		MaxBytes:    d.Stream.MaxBytes,
		AllowDirect: true,
	}
}

// ensure makes a stream, or brings the one that is there up to date, and words what stays different.
func (d *DeadLetters) ensure(ctx context.Context, want jetstream.StreamConfig) (differences []string, err error) {
	sign(&want)
	stream, err := d.JS.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = d.JS.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) { // another forebay was faster
			err = nil
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	have := stream.CachedInfo().Config
	next := follow(have, want)
	if !maps.Equal(settings(have), settings(next)) {
		if _, err := d.JS.UpdateStream(ctx, next); err != nil {
			return nil, err
		}
	}
	return differ(next, want), nil
}

// signature is the key in a stream's metadata under which the settings are kept that were written to it. While they are
// still what the stream has, nobody else changed it.
const signature = "forebay-settings"

// settings are what we decide of a stream, by the names that nats-server has for them.
func settings(c jetstream.StreamConfig) map[string]string {
	return map[string]string{
		"subjects":     strings.Join(slices.Sorted(slices.Values(c.Subjects)), " and "),
		"max_age":      c.MaxAge.String(),
		"max_bytes":    strconv.FormatInt(max(0, c.MaxBytes), 10),
		"num_replicas": strconv.Itoa(max(1, c.Replicas)),
	}
}

func sign(c *jetstream.StreamConfig) {
	text, err := json.Marshal(settings(*c))
	if err != nil {
		panic(err) // a map of strings
	}
	c.Metadata = maps.Clone(c.Metadata)
	if c.Metadata == nil {
		c.Metadata = map[string]string{}
	}
	c.Metadata[signature] = string(text)
}

// isOurs reports whether we wrote the settings that the stream has.
func isOurs(c jetstream.StreamConfig) bool {
	var wrote map[string]string
	return json.Unmarshal([]byte(c.Metadata[signature]), &wrote) == nil && maps.Equal(wrote, settings(c))
}

// follow is what becomes of a stream: all that we decide where it is ours, and else no more than what it cannot do
// without, which is our subjects.
func follow(have, want jetstream.StreamConfig) jetstream.StreamConfig {
	if isOurs(have) {
		have.Subjects, have.Replicas = want.Subjects, want.Replicas
		have.MaxAge, have.MaxBytes = want.MaxAge, want.MaxBytes
		have.Duplicates = 0 // the server's own, which must not be longer than MaxAge
		sign(&have)
		return have
	}
	have.Subjects = slices.Clone(have.Subjects)
	for _, subject := range want.Subjects {
		if !slices.ContainsFunc(have.Subjects, func(filter string) bool { return covers(filter, subject) }) {
			have.Subjects = append(have.Subjects, subject)
		}
	}
	return have
}

// covers reports whether a subject of a stream takes all of another, as far as it is not a matter of "*".
func covers(filter, subject string) bool {
	begin, open := strings.CutSuffix(filter, ">")
	return filter == subject || open && strings.HasPrefix(subject, begin)
}

// differ words how a stream is not what the configuration says.
func differ(have, want jetstream.StreamConfig) (differences []string) {
	has, wants := settings(have), settings(want)
	for _, name := range slices.Sorted(maps.Keys(wants)) {
		if has[name] != wants[name] {
			differences = append(differences,
				fmt.Sprintf("stream %s: %s is %s, the configuration says %s", have.Name, name, has[name], wants[name]))
		}
	}
	return differences
}
