package consumer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// The last failure of each consumer is known while its event waits for another attempt, and after it was handled.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	var failures consumer.Failures
	began := time.Now()
	handler := func(_ context.Context, m *consumer.Message) error {
		switch {
		case m.Event.ID == "lost":
			return consumer.Permanent(errors.New("no such customer"))
		case m.Attempt == 1:
			return errors.New("down\nsince " + strings.Repeat("noon ", 200))
		}
		return nil
	}
	for _, name := range []string{"mail", "crm", "fine"} {
		c := consumer.Config{Name: name, Retry: milliseconds(500), Handler: handler, Failures: &failures}
		if name == "fine" {
			c.Handler = func(context.Context, *consumer.Message) error { return nil }
		}
		w.run(c)
	}
	w.publish("user.created", "waits", "ada")
	consumertest.Eventually(t, "two failures", func() bool { return len(failures.Last()) == 2 })
	for i, f := range failures.Last() {
		if f.Consumer != []string{"crm", "mail"}[i] || !strings.HasPrefix(f.Reason, "down since noon") || len(f.Reason) > 512 ||
			f.Seq != 1 || f.Attempt != 1 || f.Time.Before(began) || f.Time.After(time.Now()) {
			t.Errorf("%+v", f)
		}
	}
	w.settled("crm")
	if n := len(failures.Last()); n != 2 {
		t.Errorf("%d failures once the event is handled, want 2", n)
	}
	seq := w.publish("user.created", "lost", "bob")
	consumertest.Eventually(t, "the failure that is a dead letter", func() bool {
		f := failures.Last()[0]
		return f.Reason == "permanent: no such customer" && f.Seq == seq
	})
}
