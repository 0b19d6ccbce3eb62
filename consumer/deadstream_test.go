package consumer_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// refusing runs a consumer that makes a dead letter of every event, until stop.
func (w *world) refusing() (stop func()) {
	return w.run(consumer.Config{Name: "crm", Handler: func(context.Context, *consumer.Message) error {
		return consumer.Permanent(errors.New("no"))
	}})
}

func (w *world) streamConfig(name string) jetstream.StreamConfig {
	w.t.Helper()
	stream, err := w.js.Stream(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	return stream.CachedInfo().Config
}

// The prefix of the stream is changed: dead letters are made as before, and the older ones are still there, to be seen and
// to be given back.
func TestDeadLettersUnderANewPrefix(t *testing.T) {
	w := newWorld(t)
	stopLetters, stop := w.letters(), w.refusing()
	w.publish("user.created", "1", "42")
	w.dead("crm", 1)
	stop()
	stopLetters()

	if _, err := broker.Ensure(t.Context(), w.js, broker.Streams{Name: "IDENTITY", Prefix: "people"}); err != nil {
		t.Fatal(err)
	}
	w.stream.Prefix = "people"
	w.letters()
	w.refusing()
	msg := message(t, "user.created", "2", "42")
	msg.Subject = "people.ssofy.user.created"
	w.send(msg)
	for i, l := range w.dead("crm", 2) {
		if l.Action != "user.created" || l.Source != "ssofy" {
			t.Errorf("dead letter %d: %+v", i, l)
		}
	}
	if s := w.status("crm"); s.Dead != 2 {
		t.Errorf("%d dead letters in the status, want 2", s.Dead)
	}
	if got := w.streamConfig("IDENTITY_DEAD").Subjects; len(got) != 1 || got[0] != "people-dead.>" {
		t.Errorf("subjects %q", got)
	}
	done, err := consumer.Redrive{JS: w.js, Stream: w.stream}.Run(t.Context())
	if err != nil || done.Given != 2 {
		t.Errorf("redrive: %+v, %v", done, err)
	}
}

// The stream of dead letters is deleted by hand: it is made again.
func TestDeadLetterStreamIsDeleted(t *testing.T) {
	w := newWorld(t)
	w.letters()
	w.refusing()
	if err := w.js.DeleteStream(t.Context(), "IDENTITY_DEAD"); err != nil {
		t.Fatal(err)
	}
	w.publish("user.created", "1", "42")
	consumertest.Eventually(t, "the stream", func() bool {
		_, err := w.js.Stream(t.Context(), "IDENTITY_DEAD")
		return err == nil
	})
	w.dead("crm", 1)
}

// Who changed the stream of dead letters keeps the change, and is told how it differs from the configuration.
func TestDeadLetterStreamIsTheOperators(t *testing.T) {
	w := newWorld(t)
	declare := func(maxAge time.Duration) (logged string) {
		t.Helper()
		var buffer consumertest.Buffer
		s := w.stream
		s.MaxAge, s.MaxBytes = maxAge, 1<<20
		d := &consumer.DeadLetters{JS: w.js, Stream: s, Ensure: broker.EnsureStream, Log: slog.New(slog.NewTextHandler(&buffer, nil))}
		for range 2 {
			if err := d.Declare(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		return buffer.String()
	}
	declare(time.Hour)
	if logged := declare(2 * time.Hour); logged != "" || w.streamConfig("IDENTITY_DEAD").MaxAge != 2*time.Hour {
		t.Errorf("nobody changed it, and max_age is %s: %s", w.streamConfig("IDENTITY_DEAD").MaxAge, logged)
	}
	c := w.streamConfig("IDENTITY_DEAD")
	c.MaxAge, c.MaxBytes, c.Subjects = 0, -1, []string{"elsewhere.>"}
	if _, err := w.js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	logged := declare(2 * time.Hour)
	if c := w.streamConfig("IDENTITY_DEAD"); c.MaxAge != 0 || c.MaxBytes > 0 || len(c.Subjects) != 2 {
		t.Errorf("overwritten: max_age %s, max_bytes %d, subjects %q", c.MaxAge, c.MaxBytes, c.Subjects)
	}
	want := "stream IDENTITY_DEAD: max_age is unlimited, the configuration says 2h"
	if strings.Count(logged, want) != 1 {
		t.Errorf("logged %q, want once %q", logged, want)
	}
}
