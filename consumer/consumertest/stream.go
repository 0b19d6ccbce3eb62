package consumertest

import (
	"cmp"
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// Run declares a consumer and runs it until the test ends or stop is called.
func Run(t testing.TB, js jetstream.JetStream, c consumer.Config) (stop func()) {
	t.Helper()
	if _, err := consumer.Declare(t.Context(), js, c); err != nil {
		t.Fatal(err)
	}
	made, err := consumer.New(js, c)
	if err != nil {
		t.Fatal(err)
	}
	return Background(t, made.Run)
}

// Collect runs a collector of dead letters until the test ends or stop is called.
func Collect(t testing.TB, d *consumer.DeadLetters) (stop func()) {
	t.Helper()
	if err := d.Declare(t.Context()); err != nil {
		t.Fatal(err)
	}
	return Background(t, d.Run)
}

// Dead are the dead letters that there are. [Collect] has begun before.
func Dead(t testing.TB, js jetstream.JetStream, s consumer.Stream, f consumer.DeadFilter) (all []consumer.Dead) {
	t.Helper()
	err := consumer.List(t.Context(), js, s, f, func(d consumer.Dead) error {
		all = append(all, d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Publish puts an event on the stream, as forebay does, and gives its sequence there.
func Publish(t testing.TB, js jetstream.JetStream, m schema.Message) (seq uint64) {
	t.Helper()
	ack, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body})
	if err != nil {
		t.Fatal(err)
	}
	return ack.Sequence
}

// Left counts what a durable has not done with: what waits, and what has no answer yet. NumPending alone may be too low,
// since a server tells its durables of a message only after it has acknowledged it: so the count is 1 at least while the
// durable has not come to the last message that it is to get. Not for a stream with replicas, one of which may be behind.
func Left(ctx context.Context, js jetstream.JetStream, stream, durable string) (uint64, error) {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, err
	}
	c, err := s.Consumer(ctx, durable)
	if err != nil {
		return 0, err
	}
	last, err := lastOf(ctx, s, c.CachedInfo().Config)
	if err != nil {
		return 0, err
	}
	info, err := c.Info(ctx)
	if err != nil {
		return 0, err
	}
	left := info.NumPending + uint64(max(0, info.NumAckPending))
	if left == 0 && info.Delivered.Stream < last {
		left = 1
	}
	return left, nil
}

// lastOf is the sequence of the last message that the filters of a durable let through; 0: there is none.
func lastOf(ctx context.Context, s jetstream.Stream, c jetstream.ConsumerConfig) (last uint64, err error) {
	filters := c.FilterSubjects
	if c.FilterSubject != "" || len(filters) == 0 {
		filters = []string{cmp.Or(c.FilterSubject, ">")}
	}
	for _, filter := range filters {
		m, err := s.GetLastMsgForSubject(ctx, filter)
		switch {
		case err == nil:
			last = max(last, m.Sequence)
		case !errors.Is(err, jetstream.ErrMsgNotFound):
			return 0, err
		}
	}
	return last, nil
}
