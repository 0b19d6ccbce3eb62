package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Declare makes the streams of advisories and of dead letters, and its durable. Do it before any consumer runs: what the
// server says without a stream that listens is lost. What Ensure says of a stream that it left different is logged.
func (d *DeadLetters) Declare(ctx context.Context) error {
	d.quiet()
	if err := d.Stream.check(); err != nil {
		return fmt.Errorf("declare dead letters: %w", err)
	}
	for _, c := range []jetstream.StreamConfig{d.advisories(), d.Stream.DeadLetters()} {
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

// letterWindow is the duplicate window of dead letters: JetStream's own. A copy is known for longer by its place.
const letterWindow = 2 * time.Minute

func (d *DeadLetters) advisories() jetstream.StreamConfig {
	events := "$JS.EVENT.ADVISORY.CONSUMER."
	return jetstream.StreamConfig{
		Name:        d.Stream.Advisory(),
		Description: "What the server says of attempts that ended, read by Forebay",
		Subjects:    []string{events + "MAX_DELIVERIES." + d.Stream.Name + ".*", events + "MSG_TERMINATED." + d.Stream.Name + ".*"},
		Retention:   jetstream.WorkQueuePolicy,
		Duplicates:  letterWindow,
		Replicas:    max(1, d.Stream.Replicas),
	}
}

// DeadLetters is the stream of dead letters as [DeadLetters.Declare] makes it.
func (s Stream) DeadLetters() jetstream.StreamConfig {
	window := letterWindow
	if s.MaxAge > 0 {
		window = min(window, s.MaxAge) // no longer, or the server refuses it
	}
	return jetstream.StreamConfig{
		Name:        s.Dead(),
		Description: "Dead letters, kept by Forebay",
		Subjects:    []string{s.Prefix + "-dead.>"},
		Replicas:    max(1, s.Replicas),
		MaxAge:      s.MaxAge,
		MaxBytes:    s.MaxBytes,
		Duplicates:  window,
		AllowDirect: true,
	}
}

// ensure makes a stream, or has the one that is there brought up to date, and words what stays different.
func (d *DeadLetters) ensure(ctx context.Context, want jetstream.StreamConfig) (differences []string, err error) {
	if d.Ensure != nil {
		return d.Ensure(ctx, d.JS, want)
	}
	_, err = d.JS.CreateStream(ctx, want)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		err = nil
	}
	return nil, err
}
