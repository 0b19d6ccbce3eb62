package consumer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

func TestVerdicts(t *testing.T) {
	w := newWorld(t)
	w.letters()
	release := make(chan struct{})
	defer close(release)
	var d diary
	registry := prometheus.NewRegistry()
	metrics, err := consumer.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	w.run(consumer.Config{
		Name: "crm", Actions: []string{"user.*"}, Retry: milliseconds(50, 200), MaxAttempts: 3, MaxAge: time.Hour,
		Timeout: 100 * time.Millisecond, Metrics: metrics,
		Handler: func(ctx context.Context, m *consumer.Message) error {
			d.write(m)
			switch m.Event.ID {
			case "permanent":
				return consumer.Permanent(errors.New("no such\r\nuser"))
			case "fails":
				return errors.New("connection refused")
			case "after":
				if m.Attempt < 3 {
					return consumer.After(10*time.Millisecond, errors.New("busy"))
				}
			case "once":
				if m.Attempt == 1 {
					return errors.New("not yet")
				}
			case "panics":
				panic("oh")
			case "exits":
				select {
				case <-release:
				case <-ctx.Done():
					return ctx.Err()
				}
			case "hangs":
				<-release
			}
			return nil
		},
	})
	ids := []string{"permanent", "fails", "after", "once", "panics", "exits", "fine"}
	for _, id := range ids {
		w.publish("user.created", id, "1")
	}
	w.send(messageAt(t, "user.created", "old", "1", time.Now().Add(-2*time.Hour)))
	w.publish("token.revoked", "other", "1")
	w.send(&nats.Msg{Subject: "identity.ssofy.user.created", Data: []byte("{")})

	want := map[string]string{
		"permanent": "permanent: no such  user",
		"fails":     "max deliveries: connection refused",
		"panics":    "max deliveries: the handler panicked: oh",
		"exits":     "max deliveries: context deadline exceeded",
		"old":       "expired",
	}
	unreadable := false
	for _, l := range w.dead("crm", 6) {
		if l.EventID == "" {
			unreadable = strings.HasPrefix(l.Reason, "unreadable: ")
			continue
		}
		if l.Reason != want[l.EventID] {
			t.Errorf("%s: reason %q, want %q", l.EventID, l.Reason, want[l.EventID])
		}
		attempts := 3
		if l.EventID == "permanent" || l.EventID == "old" {
			attempts = 1
		}
		if l.Attempts != attempts || l.Consumer != "crm" || l.Seq == 0 || l.Time.IsZero() || l.UserID != "1" ||
			l.Subject != "identity-dead.crm.ssofy.user.created" || l.Source != "ssofy" || l.Action != "user.created" {
			t.Errorf("%s: %+v", l.EventID, l)
		}
	}
	if !unreadable {
		t.Error("no dead letter of what cannot be read")
	}
	w.settled("crm")
	for id, n := range map[string]int{"permanent": 1, "fails": 3, "after": 3, "once": 2, "panics": 3, "exits": 3, "fine": 1, "old": 0, "other": 0} {
		if got := len(d.of(id)); got != n {
			t.Errorf("%s: %d attempts, want %d", id, got, n)
		}
	}
	if gap := d.of("after")[1].at.Sub(d.of("after")[0].at); gap > 45*time.Millisecond {
		t.Errorf("After(10ms) came after %s", gap)
	}
	// The second step is longer than the first, and the server adds the difference to a nak.
	if gap := d.of("after")[2].at.Sub(d.of("after")[1].at); gap > 150*time.Millisecond {
		t.Errorf("the second After(10ms) came after %s", gap)
	}
	if n := count(t, registry, "forebay_attempts_total"); n < 17 {
		t.Errorf("forebay_attempts_total %v", n)
	}
	if n := count(t, registry, "forebay_attempts_in_flight"); n != 0 {
		t.Errorf("forebay_attempts_in_flight %v", n)
	}
}

func count(t *testing.T, r *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum
}

// A handler that ignores its context is left behind, and others go on; there are never more of them than slots.
func TestHungHandlersAreLeftBehind(t *testing.T) {
	w := newWorld(t)
	release := make(chan struct{})
	var hung, fine atomic.Int64
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(60_000), Parallel: 2, Timeout: 20 * time.Millisecond, Grace: time.Millisecond,
		Handler: func(_ context.Context, m *consumer.Message) error {
			if m.Event.User.ID == "hang" {
				hung.Add(1)
				<-release
				return nil
			}
			fine.Add(1)
			return nil
		},
	})
	defer close(release)
	w.publish("user.created", "1", "hang")
	w.publish("user.created", "2", "hang")
	w.publish("user.created", "3", "fine")
	consumertest.Eventually(t, "the event behind the hung ones", func() bool { return fine.Load() == 1 })
	for _, id := range []string{"4", "5", "6"} {
		w.publish("user.created", id, "hang")
	}
	consumertest.Eventually(t, "four hung handlers", func() bool { return hung.Load() == 4 })
}

func TestScheduleAndHeartbeats(t *testing.T) {
	w := newWorld(t)
	var d diary
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(200, 600), MaxAttempts: 4,
		Handler: func(_ context.Context, m *consumer.Message) error {
			d.write(m)
			switch m.Event.ID {
			case "slow": // longer than the server waits without a sign of life
				timer := time.NewTimer(time.Second)
				defer timer.Stop()
				<-timer.C
				return nil
			default:
				return errors.New("no")
			}
		},
	})
	w.publish("user.created", "slow", "1")
	w.publish("user.created", "fails", "2")
	w.settled("crm")
	if n := len(d.of("slow")); n != 1 {
		t.Errorf("the slow one had %d attempts, want 1", n)
	}
	follows(t, d.of("fails"), milliseconds(0, 200, 800, 1400))
}

// Short steps have room for several signs of life, so that a machine that is busy for a while costs no attempt. A single
// sign may come late here too: the median of ten tells a quarter of a step from half of one.
func TestSignsOfLife(t *testing.T) {
	w := newWorld(t)
	const step, signs = 600 * time.Millisecond, 10
	heard := make(chan time.Time, 4*signs)
	_, err := w.js.Conn().Subscribe("$JS.ACK.IDENTITY.crm.>", func(msg *nats.Msg) {
		if string(msg.Data) == "+WPI" {
			heard <- time.Now()
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	gaps := make(chan []time.Duration, 1)
	w.run(consumer.Config{
		Name: "crm", Retry: []time.Duration{step}, MaxAttempts: 1,
		Handler: func(ctx context.Context, _ *consumer.Message) error {
			var all []time.Duration
			for last := time.Now(); len(all) < signs; {
				select {
				case at := <-heard:
					all, last = append(all, at.Sub(last)), at
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			gaps <- all
			return nil
		},
	})
	w.publish("user.created", "1", "ada")
	w.settled("crm")
	select {
	case all := <-gaps:
		if slices.Sort(all); all[signs/2] > step*3/8+step/16 {
			t.Errorf("gaps between signs of life are %s; want most of them below %s", all, step*3/8)
		}
	default:
		t.Error("the event was lost")
	}
}

// follows holds attempts against the times, counted from the first, at which they are due.
func follows(t *testing.T, got []entry, want []time.Duration) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d attempts, want %d", len(got), len(want))
	}
	for i, e := range got {
		late := e.at.Sub(got[0].at) - want[i]
		if late < -10*time.Millisecond || late > 150*time.Millisecond || e.attempt != i+1 {
			t.Errorf("attempt %d: the server's number %d, %s later than %s", i+1, e.attempt, late, want[i])
		}
	}
}

// Events that fail for long do not hold up those behind them.
func TestPoisonBlocksNobody(t *testing.T) {
	w := newWorld(t)
	var fine atomic.Int64
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(60_000), Parallel: 4,
		Handler: func(_ context.Context, m *consumer.Message) error {
			if m.Event.User.ID == "poison" {
				panic("poison")
			}
			fine.Add(1)
			return nil
		},
	})
	w.publishMany(200, func(i int) *nats.Msg {
		user := "fine"
		if i < 100 {
			user = "poison"
		}
		return message(t, "user.created", string(rune('a'+i%26))+strings.Repeat("x", i), user)
	})
	consumertest.Eventually(t, "the events behind the poison", func() bool { return fine.Load() == 100 })
}

func TestStop(t *testing.T) {
	w := newWorld(t)
	began := make(chan struct{}, 2)
	var ended atomic.Int64
	stop := w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(60_000), Grace: 200 * time.Millisecond,
		Handler: func(ctx context.Context, m *consumer.Message) error {
			began <- struct{}{}
			if m.Event.ID == "soft" {
				timer := time.NewTimer(50 * time.Millisecond)
				defer timer.Stop()
				<-timer.C
				ended.Add(1)
				return nil
			}
			<-ctx.Done()
			ended.Add(1)
			return ctx.Err()
		},
	})
	w.publish("user.created", "soft", "1")
	w.publish("user.created", "hard", "1")
	<-began
	<-began
	stop()
	if n := ended.Load(); n != 2 {
		t.Errorf("%d attempts ended by the stop, want 2", n)
	}
	if s := w.status("crm"); s.InFlight != 1 {
		t.Errorf("%d events in flight after the stop, want the one that was cut off", s.InFlight)
	}
}

// The server is restarted, and replaced by an empty one: the consumer goes on by itself.
func TestServerRestarts(t *testing.T) {
	w := newWorld(t)
	var d diary
	w.run(consumer.Config{Name: "crm", Retry: milliseconds(200), Handler: func(_ context.Context, m *consumer.Message) error {
		d.write(m)
		return nil
	}})
	w.publish("user.created", "1", "1")
	consumertest.Eventually(t, "the first", func() bool { return len(d.of("1")) == 1 })
	w.server.Stop()
	w.server.Start()
	consumertest.Eventually(t, "the stream", func() bool {
		_, err := w.js.PublishMsg(t.Context(), message(t, "user.created", "2", "1"))
		return err == nil
	})
	consumertest.Eventually(t, "the second", func() bool { return len(d.of("2")) >= 1 })
}
