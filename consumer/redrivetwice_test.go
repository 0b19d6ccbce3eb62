package consumer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// However often an event is redriven, its copies have the place of the event and not that of an earlier copy.
func TestRedriveTwice(t *testing.T) {
	w := newWorld(t)
	w.letters()
	var d diary
	w.run(consumer.Config{Name: "crm", Handler: func(_ context.Context, m *consumer.Message) error {
		d.write(m)
		return consumer.Permanent(errors.New("no"))
	}})
	w.publish("user.created", "0", "41")
	seq := w.publish("user.created", "1", "42")
	w.dead("crm", 2)
	for redriven := range 3 {
		done, err := consumer.Redrive{JS: w.js, Stream: w.stream, Filter: consumer.DeadFilter{EventID: "1"}}.Run(t.Context())
		if err != nil || done.Given != 1 {
			t.Fatalf("redrive: %+v, %v", done, err)
		}
		consumertest.Eventually(t, "the copy", func() bool { return len(d.of("1")) == redriven+2 })
		w.dead("crm", 2)
	}
	for _, e := range d.of("1")[1:] {
		if e.replay != seq {
			t.Errorf("a copy says that it is one of %d, want %d", e.replay, seq)
		}
	}
}
