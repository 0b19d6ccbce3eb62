package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"pgregory.net/rapid"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// An orderly handler checks that events of one user never run at the same time, and that none begins while an earlier
// one of its user is not done.
type orderly struct {
	mu      sync.Mutex
	running map[string]bool
	begun   map[int]bool
	done    map[string][]int // per user, what is done with, in order
	wrong   []string
}

func newOrderly() *orderly {
	return &orderly{running: map[string]bool{}, begun: map[int]bool{}, done: map[string][]int{}}
}

func (o *orderly) begin(user string, n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.running[user] {
		o.wrong = append(o.wrong, fmt.Sprintf("two events of %s at the same time", user))
	}
	o.running[user], o.begun[n] = true, true
	if done := o.done[user]; len(done) > 0 && n <= done[len(done)-1] {
		o.wrong = append(o.wrong, fmt.Sprintf("event %d of %s after %d", n, user, done[len(done)-1]))
	}
}

func (o *orderly) end(user string, n int, done bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.running[user] = false
	if done {
		o.done[user] = append(o.done[user], n)
	}
}

func (o *orderly) total() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, done := range o.done {
		n += len(done)
	}
	return n
}

func (o *orderly) check(t interface{ Fatalf(string, ...any) }) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.wrong) > 0 {
		t.Fatalf("%d wrong: %q", len(o.wrong), o.wrong[:min(5, len(o.wrong))])
	}
}

// Whatever fails, and however often, the events of a user are done in their order and one at a time.
func TestOrderedByUser(t *testing.T) {
	w := newWorld(t)
	round := 0
	rapid.Check(t, func(r *rapid.T) {
		round++
		name := fmt.Sprintf("round%d", round)
		users := rapid.IntRange(1, 4).Draw(r, "users")
		kinds := rapid.SliceOfN(rapid.IntRange(0, 9), 1, 30).Draw(r, "fate")
		parallel := rapid.IntRange(1, 4).Draw(r, "parallel")
		o := newOrderly()
		c := consumer.Config{
			Name: name, Retry: milliseconds(20, 50), MaxAttempts: 3, Parallel: parallel, OrderedBy: consumer.OrderedByUser, New: true,
			Handler: func(_ context.Context, m *consumer.Message) error {
				var n int
				if _, err := fmt.Sscanf(m.Event.ID, name+"-%d", &n); err != nil {
					return err
				}
				o.begin(m.Event.User.ID, n)
				err := errors.New("panic")
				defer func() { o.end(m.Event.User.ID, n, err == nil || m.Attempt == 3 || kinds[n] == 3) }()
				err = fate(kinds[n], m.Attempt)
				return err
			},
		}
		w.declare(c)
		for i := range kinds {
			w.publish("user.updated", fmt.Sprintf("%s-%d", name, i), fmt.Sprint(i%users))
		}
		stop := w.run(c)
		defer stop()
		w.settled(name)
		o.check(r)
		if len(o.begun) != len(kinds) {
			r.Fatalf("%d events were handed over, want %d", len(o.begun), len(kinds))
		}
	})
}

// fate is what an attempt of an event of this kind ends in.
func fate(kind, attempt int) error {
	switch {
	case kind == 0 && attempt == 1:
		return errors.New("once")
	case kind == 1:
		return errors.New("always")
	case kind == 2 && attempt < 3:
		return consumer.After(time.Millisecond, errors.New("busy"))
	case kind == 3:
		return consumer.Permanent(errors.New("never"))
	case kind == 4 && attempt == 1:
		panic("once")
	}
	return nil
}

// While one user's event is retried for long, and hundreds wait behind it, others go on, and no attempt is spent on
// those that wait.
func TestOrderedPoison(t *testing.T) {
	w := newWorld(t)
	o := newOrderly()
	var mended atomic.Bool
	var attempts atomic.Int64
	w.run(consumer.Config{
		Name: "sync", Retry: milliseconds(1000), MaxAttempts: 1000, Parallel: 2, OrderedBy: consumer.OrderedByUser,
		Handler: func(_ context.Context, m *consumer.Message) error {
			var n int
			if _, err := fmt.Sscan(m.Event.ID, &n); err != nil {
				return err
			}
			o.begin(m.Event.User.ID, n)
			var err error
			if n == 0 && !mended.Load() {
				attempts.Add(1)
				err = errors.New("down")
			} else if m.Event.User.ID == "0" && n > 0 && m.Attempt != 1 {
				o.mu.Lock()
				o.wrong = append(o.wrong, fmt.Sprintf("attempt %d of an event that was held back", m.Attempt))
				o.mu.Unlock()
			}
			o.end(m.Event.User.ID, n, err == nil)
			return err
		},
	})
	const n = 600
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), fmt.Sprint(i%2)) })
	consumertest.Eventually(t, "the other user", func() bool { return o.total() == n/2 })
	consumertest.Eventually(t, "some attempts", func() bool { return attempts.Load() >= 3 })
	if got := o.total(); got != n/2 {
		t.Errorf("%d events done while the first of them fails, want %d", got, n/2)
	}
	mended.Store(true)
	consumertest.Eventually(t, "all", func() bool { return o.total() == n })
	o.check(t)
	w.settled("sync")
}

// The order survives a restart of the program, in whose earlier life events were handed over and not done, and of the
// server, whose connection broke.
func TestOrderedOverRestarts(t *testing.T) {
	w := newWorld(t)
	o := newOrderly()
	const users, n = 7, 700
	c := consumer.Config{
		Name: "sync", Retry: milliseconds(150, 400), MaxAttempts: 50, Parallel: 3, OrderedBy: consumer.OrderedByUser,
		Grace: time.Millisecond,
		Handler: func(ctx context.Context, m *consumer.Message) error {
			var n int
			if _, err := fmt.Sscan(m.Event.ID, &n); err != nil {
				return err
			}
			o.begin(m.Event.User.ID, n)
			timer := time.NewTimer(2 * time.Millisecond)
			defer timer.Stop()
			var err error
			select {
			case <-timer.C:
			case <-ctx.Done():
				err = ctx.Err()
			}
			if n%10 == 3 && m.Attempt == 1 {
				err = errors.New("once")
			}
			o.end(m.Event.User.ID, n, err == nil)
			return err
		},
	}
	w.declare(c)
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), fmt.Sprint(i%users)) })
	for life := range 4 {
		stop := w.run(c)
		goal := (life + 1) * n / 6
		consumertest.Eventually(t, "some events", func() bool { return o.total() >= goal })
		stop()
	}
	stop := w.run(c)
	defer stop()
	consumertest.Eventually(t, "all", func() bool { return o.total() >= n })
	w.settled("sync")
	o.check(t)
}

// A hand-over got lost on its way, or another client took it: later events of that user wait for it, and no others.
func TestOrderedAfterALoss(t *testing.T) {
	w := newWorld(t)
	o := newOrderly()
	block, release := make(chan struct{}), make(chan struct{})
	var others atomic.Int64
	c := consumer.Config{
		Name: "sync", Retry: milliseconds(1500), MaxAttempts: 10, Parallel: 1, OrderedBy: consumer.OrderedByUser,
		Handler: func(_ context.Context, m *consumer.Message) error {
			switch m.Event.User.ID {
			case "blocks":
				close(block)
				<-release
				return nil
			case "other":
				if o.total() == 0 {
					others.Add(1)
				}
				return nil
			}
			var n int
			if _, err := fmt.Sscan(m.Event.ID, &n); err != nil {
				return err
			}
			o.begin(m.Event.User.ID, n)
			o.end(m.Event.User.ID, n, true)
			return nil
		},
	}
	w.run(c)
	w.publish("user.updated", "b", "blocks")
	<-block
	w.publish("user.updated", "0", "ada")
	durable, err := w.js.Consumer(t.Context(), "IDENTITY", "sync")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := durable.Next(); err != nil {
		t.Fatal(err)
	}
	w.publish("user.updated", "1", "ada")
	w.publish("user.updated", "2", "other")
	close(release)
	consumertest.Eventually(t, "the other user", func() bool { return others.Load() == 1 })
	consumertest.Eventually(t, "both", func() bool { return o.total() == 2 })
	o.check(t)
	w.settled("sync")
}
