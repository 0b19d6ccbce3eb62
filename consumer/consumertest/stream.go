package consumertest

import (
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
