package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

var errDown = errors.New("the mail server is away")

// code is an event whose message the stream removes after a while.
func code(t *testing.T, id, user string, life time.Duration) *nats.Msg {
	t.Helper()
	msg := message(t, "otp.requested", id, user)
	msg.Header.Set(schema.HeaderTTL, life.String())
	return msg
}

// wantExpired are dead letters that have their event.
func wantExpired(t *testing.T, letters []consumer.Dead) {
	t.Helper()
	for _, l := range letters {
		if l.Reason != "expired" || l.Action != "otp.requested" || l.EventID == "" || l.UserID != "42" {
			t.Errorf("%s: dead letter of %q, event %q, user %q: %s", l.Consumer, l.Action, l.EventID, l.UserID, l.Reason)
		}
	}
}

// Whatever keeps a code from being delivered: it is on record while its message is there, and not removed with it.
func TestCodesAreDecidedBeforeTheyLapse(t *testing.T) {
	const life, codes = 4 * time.Second, 5
	down := func(context.Context, *consumer.Message) error { return errDown }
	hangs := func(ctx context.Context, _ *consumer.Message) error { <-ctx.Done(); return ctx.Err() }
	consumers := []consumer.Config{
		{Name: "often", Retry: milliseconds(300), Handler: down},
		{Name: "seldom", Retry: milliseconds(500, 60_000), Handler: down},
		{Name: "then", Retry: milliseconds(1000, 3000), Handler: down}, // an attempt would be due as the message lapses
		{Name: "later", Retry: milliseconds(300), Handler: func(context.Context, *consumer.Message) error {
			return consumer.After(time.Hour, errDown)
		}},
		{Name: "hangs", Retry: milliseconds(300), Handler: hangs},
		{Name: "busy", Retry: milliseconds(60_000), Handler: hangs, Parallel: 1, Timeout: 900 * time.Millisecond},
	}
	w := newWorld(t)
	w.letters()
	for _, c := range consumers {
		c.Actions, c.MaxAttempts, c.MaxAge = []string{"otp.*"}, 1000, life
		w.run(c)
	}
	for i := range codes {
		w.send(code(t, fmt.Sprint(i), "42", life))
	}
	for _, c := range consumers {
		wantExpired(t, w.dead(c.Name, codes))
	}
}

// A code that waits for an earlier event of its user does not wait for ever.
func TestHeldBackCodesAreDecidedBeforeTheyLapse(t *testing.T) {
	w := newWorld(t)
	w.letters()
	var d diary
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(60_000), OrderedBy: consumer.OrderedByUser,
		Handler: func(_ context.Context, m *consumer.Message) error {
			d.write(m)
			return errDown
		},
	})
	w.publish("user.updated", "first", "42")
	w.send(code(t, "second", "42", 4*time.Second))
	wantExpired(t, w.dead("crm", 1))
	if n := len(d.of("second")); n > 0 {
		t.Errorf("%d attempts ahead of an earlier event of the user", n)
	}
}
