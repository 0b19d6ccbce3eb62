package consumer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
)

func TestDeclare(t *testing.T) {
	w := newWorld(t)
	c := consumer.Config{
		Name: "crm", Actions: []string{"user.created", "user.*", "otp.requested", "otp.requested"},
		Retry: milliseconds(100, 200, 300), MaxAttempts: 2,
	}
	for range 2 {
		if d := w.declare(c); len(d) != 0 {
			t.Errorf("differences %q", d)
		}
	}
	have := w.durable("crm")
	want := []string{"identity.*.otp.requested", "identity.*.user.*", "identity-redrive.crm.>"}
	if !slices.Equal(have.FilterSubjects, want) || have.MaxDeliver != 2 || !slices.Equal(have.BackOff, milliseconds(100, 200)) ||
		have.AckPolicy != jetstream.AckExplicitPolicy || have.MaxAckPending != 4096 {
		t.Errorf("%+v", have)
	}

	c.Actions, c.Retry, c.MaxAttempts, c.New = nil, milliseconds(50), 5, true
	if d := w.declare(c); len(d) != 1 {
		t.Errorf("differences %q, want the start that cannot be changed", d)
	}
	have = w.durable("crm")
	if !slices.Equal(have.FilterSubjects, []string{"identity.*.*.*", "identity-redrive.crm.>"}) || have.MaxDeliver != 5 ||
		!slices.Equal(have.BackOff, milliseconds(50)) || have.AckWait != 50*time.Millisecond {
		t.Errorf("after the update: %+v", have)
	}
}

func TestDeclareKeepsWhatIsTheOperators(t *testing.T) {
	w := newWorld(t)
	w.declare(consumer.Config{Name: "crm"})
	have := w.durable("crm")
	have.Description, have.InactiveThreshold = "ours", time.Hour
	if _, err := w.js.UpdateConsumer(t.Context(), "IDENTITY", have); err != nil {
		t.Fatal(err)
	}
	if d := w.declare(consumer.Config{Name: "crm", MaxAttempts: 9}); len(d) != 1 {
		t.Errorf("differences %q, want the threshold", d)
	}
	if have := w.durable("crm"); have.Description != "ours" || have.MaxDeliver != 9 {
		t.Errorf("%+v", have)
	}
}

func TestDeclareRefuses(t *testing.T) {
	w := newWorld(t)
	for _, c := range []jetstream.ConsumerConfig{
		{Durable: "push", DeliverSubject: "here", AckPolicy: jetstream.AckExplicitPolicy},
		{Durable: "none", AckPolicy: jetstream.AckNonePolicy},
	} {
		create := w.js.CreateConsumer
		if c.DeliverSubject != "" {
			if _, err := w.js.CreatePushConsumer(t.Context(), "IDENTITY", c); err != nil {
				t.Fatal(err)
			}
		} else if _, err := create(t.Context(), "IDENTITY", c); err != nil {
			t.Fatal(err)
		}
		if _, err := consumer.Declare(t.Context(), w.js, consumer.Config{Name: c.Durable, Stream: w.stream}); err == nil {
			t.Errorf("%s was taken", c.Durable)
		}
	}
	for name, c := range map[string]consumer.Config{
		"name":    {Name: "a.b"},
		"no name": {},
		"pattern": {Name: "a", Actions: []string{"*.created"}},
		"step":    {Name: "a", Retry: milliseconds(100, 0)},
		"order":   {Name: "a", OrderedBy: "source"},
		"pending": {Name: "a", Parallel: 20, Pending: 10},
		"age":     {Name: "a", MaxAge: -1},
	} {
		c.Stream = w.stream
		if _, err := consumer.Declare(t.Context(), w.js, c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func (w *world) durable(name string) jetstream.ConsumerConfig {
	w.t.Helper()
	durable, err := w.js.Consumer(w.t.Context(), "IDENTITY", name)
	if err != nil {
		w.t.Fatal(err)
	}
	return durable.CachedInfo().Config
}

// A durable that begins now gets nothing of before.
func TestNew(t *testing.T) {
	w := newWorld(t)
	w.publish("user.created", "1", "42")
	w.declare(consumer.Config{Name: "old"})
	w.declare(consumer.Config{Name: "new", New: true})
	w.publish("user.created", "2", "42")
	w.lag("old", 2)
	w.lag("new", 1)
}

func TestMatches(t *testing.T) {
	for pattern, want := range map[string]bool{
		"*": true, "user.*": true, "user.created": true, "user.deleted": false, "users.*": false, "otp.*": false,
	} {
		if got := consumer.Matches(pattern, "user.created"); got != want {
			t.Errorf("%s: %t", pattern, got)
		}
	}
	for pattern, want := range map[string]bool{
		"*": true, "user.*": true, "user.created": true, "*.*": false, "*.created": false, "user": false, "user.>": false,
		"user.created.x": false, "": false, "User.*": false,
	} {
		if got := consumer.ValidPattern(pattern); got != want {
			t.Errorf("valid %q: %t", pattern, got)
		}
	}
}
