package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// foreign is a plain NATS client of a durable that Forebay declared: it reads, and answers with answer, until the test
// ends or stop is called.
func (w *world) foreign(name string, answer func(jetstream.Msg) error) (d *diary, stop func()) {
	w.t.Helper()
	js := w.server.JetStream(w.t)
	durable, err := js.Consumer(w.t.Context(), "IDENTITY", name)
	if err != nil {
		w.t.Fatal(err)
	}
	d = &diary{}
	stop = consumertest.Background(w.t, func(ctx context.Context) error {
		for ctx.Err() == nil {
			msg, err := durable.Next(jetstream.FetchMaxWait(500 * time.Millisecond))
			if errors.Is(err, nats.ErrTimeout) {
				continue
			}
			if err != nil {
				return err
			}
			meta, err := msg.Metadata()
			if err != nil {
				return err
			}
			d.mu.Lock()
			d.entries = append(d.entries, entry{
				msg.Headers().Get(schema.HeaderID), int(meta.NumDelivered), time.Now(), 0,
			})
			d.mu.Unlock()
			if err := answer(msg); err != nil {
				return err
			}
		}
		return nil
	})
	return d, stop
}

// What a client in any language gets: the schedule of design section 7, kept by the server, and then a dead letter.
func TestForeignClient(t *testing.T) {
	for name, c := range map[string]struct {
		answer func(jetstream.Msg) error
		want   []time.Duration
		reason string
	}{
		"never answers": {
			func(jetstream.Msg) error { return nil }, milliseconds(0, 500, 2000), "max deliveries",
		},
		"naks with the first step": { // the server makes the schedule of it
			func(m jetstream.Msg) error { return m.NakWithDelay(500 * time.Millisecond) }, milliseconds(0, 500, 2000), "max deliveries",
		},
		"naks bare": { // the server knows no schedule then, but still counts
			func(m jetstream.Msg) error { return m.Nak() }, //nolint:forbidigo // what it does is tested
			milliseconds(0, 0, 0), "max deliveries",
		},
		"terminates": {
			func(m jetstream.Msg) error { return m.TermWithReason("no such user") }, milliseconds(0), "no such user",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.letters()
			w.declare(consumer.Config{Name: "foreign", Actions: []string{"user.*"}, Retry: milliseconds(500, 1500), MaxAttempts: 3})
			w.declare(consumer.Config{Name: "other"})
			d, stop := w.foreign("foreign", c.answer)
			seq := w.publish("user.created", "1", "42")
			l := w.dead("foreign", 1)[0]
			follows(t, d.of("1"), c.want)
			if l.Reason != c.reason || l.Attempts != len(c.want) || l.Seq != seq || l.EventID != "1" {
				t.Errorf("dead letter %+v", l)
			}
			stop()

			// Back to that durable alone.
			w.lag("other", 1)
			back, _ := w.foreign("foreign", func(m jetstream.Msg) error { return m.Ack() })
			done, err := consumer.Redrive{JS: w.js, Stream: w.stream}.Run(t.Context())
			if err != nil || done != (consumer.Redriven{Total: 1, Given: 1}) {
				t.Fatalf("redrive: %+v, %v", done, err)
			}
			consumertest.Eventually(t, "the event", func() bool { return len(back.of("1")) == 1 })
			w.settled("foreign")
			w.lag("other", 1)
			if left := w.list(consumer.DeadFilter{}); len(left) != 0 {
				t.Errorf("left as dead letters: %+v", left)
			}
		})
	}
}

// The attempts run out while nobody collects: the advisories wait, and each makes one dead letter.
func TestCollectorWasDown(t *testing.T) {
	w := newWorld(t)
	stop := w.letters()
	w.declare(consumer.Config{Name: "foreign", Retry: milliseconds(20), MaxAttempts: 2})
	stop()
	_, leave := w.foreign("foreign", func(jetstream.Msg) error { return nil })
	for i := range 5 {
		w.publish("user.created", fmt.Sprint(i), "42")
	}
	w.settled("foreign")
	if left := w.list(consumer.DeadFilter{}); len(left) != 0 {
		t.Fatalf("dead letters without a collector: %+v", left)
	}
	leave()
	w.server.Stop()
	w.server.Start()
	w.letters()
	w.letters()
	w.dead("foreign", 5)
}

// The collector was killed between making the copy and saying so, and is away for longer than the stream remembers.
func TestCollectorWasKilled(t *testing.T) {
	w := newWorld(t)
	stop := w.letters()
	w.declare(consumer.Config{Name: "foreign", Retry: milliseconds(20), MaxAttempts: 1})
	stop()
	w.foreign("foreign", func(m jetstream.Msg) error { return m.TermWithReason("no") })
	w.publish("user.created", "1", "42")
	w.settled("foreign")

	w.forget("IDENTITY_DEAD")
	durable, err := w.js.Consumer(t.Context(), "IDENTITY_ADVISORY", "forebay-dead-letters")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := durable.Next()
	if err != nil {
		t.Fatal(err)
	}
	copied := message(t, "user.created", "1", "42")
	copied.Subject = "identity-dead.foreign.ssofy.user.created"
	copied.Header.Set("Nats-Msg-Id", "foreign/1")
	w.send(copied)
	consumertest.Eventually(t, "the stream to forget the ID", func() bool {
		again := *copied
		again.Subject = "identity-dead.probe.ssofy.user.created"
		ack, err := w.js.PublishMsg(t.Context(), &again)
		return err == nil && !ack.Duplicate
	})
	if err := msg.Nak(); err != nil { //nolint:forbidigo // a foreign client
		t.Fatal(err)
	}
	w.letters()
	consumertest.Eventually(t, "the advisory to be done with", func() bool {
		left, err := consumertest.Left(t.Context(), w.js, "IDENTITY_ADVISORY", durable.CachedInfo().Name)
		return err == nil && left == 0
	})
	w.dead("foreign", 1)
}

// The event went away before the collector could copy it: what is known is kept, and cannot be redriven.
func TestEventIsGone(t *testing.T) {
	w := newWorld(t)
	stop := w.letters()
	w.declare(consumer.Config{Name: "foreign", Retry: milliseconds(20), MaxAttempts: 1})
	stop()
	w.foreign("foreign", func(m jetstream.Msg) error { return m.TermWithReason("no such user") })
	seq := w.publish("user.created", "1", "42")
	w.settled("foreign")
	stream, err := w.js.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), seq); err != nil {
		t.Fatal(err)
	}
	w.letters()
	l := w.dead("foreign", 1)[0]
	if l.Reason != "no such user" || l.Seq != seq || l.Attempts != 1 || l.EventID != "" || l.Source != "" {
		t.Errorf("%+v", l)
	}
	done, err := consumer.Redrive{JS: w.js, Stream: w.stream}.Run(t.Context())
	if err != nil || done != (consumer.Redriven{Total: 1, Gone: 1}) {
		t.Errorf("redrive: %+v, %v", done, err)
	}
	if n, err := consumer.Drop(t.Context(), w.js, w.stream, consumer.DeadFilter{IDs: []uint64{l.ID}}); n != 1 || err != nil {
		t.Errorf("drop: %d, %v", n, err)
	}
	w.dead("foreign", 0)
}

// An event that the stream forgets while a consumer has it is on record too.
func TestRemovedWhilePending(t *testing.T) {
	w := newWorld(t)
	w.letters()
	w.declare(consumer.Config{Name: "foreign", Retry: milliseconds(60_000), MaxAttempts: 3})
	d, _ := w.foreign("foreign", func(jetstream.Msg) error { return nil })
	msg := message(t, "otp.requested", "1", "42")
	msg.Header.Set(schema.HeaderTTL, "1s")
	w.send(msg)
	consumertest.Eventually(t, "the attempt", func() bool { return len(d.of("1")) == 1 })
	if l := w.dead("foreign", 1)[0]; l.Reason != "removed from the stream before it was done with" {
		t.Errorf("%+v", l)
	}
}

func TestListAndRedriveByFilter(t *testing.T) {
	w := newWorld(t)
	w.letters()
	refuse := true
	var d diary
	for _, name := range []string{"crm", "audit"} {
		w.run(consumer.Config{Name: name, Parallel: 1, Handler: func(_ context.Context, m *consumer.Message) error {
			d.write(m)
			if m.ReplayOf == 0 && refuse {
				return consumer.Permanent(errors.New("refused by " + m.Event.User.ID))
			}
			return nil
		}})
	}
	w.publish("user.created", "1", "ada")
	w.publish("user.deleted", "2", "ada")
	w.publish("token.revoked", "3", "bob")
	short := message(t, "otp.requested", "4", "bob")
	short.Header.Set(schema.HeaderTTL, "1h")
	w.send(short)
	old := messageAt(t, "otp.requested", "5", "bob", time.Now().Add(-2*time.Hour))
	old.Header.Set(schema.HeaderTTL, "1h")
	w.send(old)
	all := w.dead("crm", 5)
	w.dead("audit", 5)

	for name, c := range map[string]struct {
		filter consumer.DeadFilter
		want   int
	}{
		"all":      {consumer.DeadFilter{}, 10},
		"consumer": {consumer.DeadFilter{Consumer: "crm"}, 5},
		"action":   {consumer.DeadFilter{Actions: []string{"user.*"}}, 4},
		"user":     {consumer.DeadFilter{UserID: "bob", Consumer: "crm"}, 3},
		"event":    {consumer.DeadFilter{EventID: "1"}, 2},
		"source":   {consumer.DeadFilter{Source: "mgpass"}, 0},
		"reason":   {consumer.DeadFilter{Reason: "by ada"}, 4},
		"id":       {consumer.DeadFilter{IDs: []uint64{all[1].ID}}, 1},
		"since":    {consumer.DeadFilter{Since: time.Now().Add(time.Hour)}, 0},
		"until":    {consumer.DeadFilter{Until: time.Now().Add(-time.Hour)}, 0},
		"limit":    {consumer.DeadFilter{Limit: 3}, 3},
	} {
		if got := len(w.list(c.filter)); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	shown, err := consumer.Show(t.Context(), w.js, w.stream, all[0].ID)
	if err != nil || len(shown.Body) == 0 {
		t.Errorf("show: %+v, %v", shown, err)
	}
	if _, err := schema.Parse(shown.Subject, shown.Header, shown.Body); err != nil {
		t.Errorf("a dead letter is no event: %v", err)
	}

	done, err := consumer.Redrive{JS: w.js, Stream: w.stream, Filter: consumer.DeadFilter{Consumer: "crm"}, Rate: 1000}.Run(t.Context())
	if err != nil || done != (consumer.Redriven{Total: 5, Given: 4, Lapsed: 1}) {
		t.Fatalf("redrive: %+v, %v", done, err)
	}
	w.settled("crm")
	w.settled("audit")
	back := 0
	for _, e := range d.all() {
		if e.replay != 0 {
			back++
		}
	}
	if back != 4 {
		t.Errorf("%d events came back, want 4", back)
	}
	if n := len(w.list(consumer.DeadFilter{Consumer: "crm"})); n != 1 {
		t.Errorf("%d dead letters of crm left, want the lapsed one", n)
	}
	if s := w.status("audit"); s.Dead != 5 || s.LastError != "permanent: refused by bob" || s.LastDead.IsZero() {
		t.Errorf("status %+v", s)
	}
}

// A redrive was killed after it published and before it deleted the dead letter.
func TestRedriveWasKilled(t *testing.T) {
	w := newWorld(t)
	stream, err := w.js.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	c := stream.CachedInfo().Config
	c.Duplicates = 100 * time.Millisecond
	if _, err := w.js.UpdateStream(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.letters()
	w.declare(consumer.Config{Name: "foreign", Retry: milliseconds(20), MaxAttempts: 1})
	_, stop := w.foreign("foreign", func(m jetstream.Msg) error { return m.TermWithReason("no") })
	w.publish("user.created", "1", "42")
	l := w.dead("foreign", 1)[0]
	stop()
	first := message(t, "user.created", "1", "42")
	first.Subject = "identity-redrive.foreign.ssofy.user.created"
	first.Header.Set("Nats-Msg-Id", fmt.Sprintf("redrive/foreign/%d/%d", l.Seq, l.ID))
	w.send(first)
	probe := 0
	consumertest.Eventually(t, "the stream to forget the ID", func() bool {
		again := *first
		again.Subject = "identity.ssofy.user.created"
		probe++
		ack, err := w.js.PublishMsg(t.Context(), &again)
		return err == nil && !ack.Duplicate
	})
	done, err := consumer.Redrive{JS: w.js, Stream: w.stream}.Run(t.Context())
	if err != nil || done.Given != 1 {
		t.Fatalf("redrive: %+v, %v", done, err)
	}
	info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(first.Subject))
	if err != nil || info.State.Subjects[first.Subject] != 1 {
		t.Errorf("%d copies, %v, want the one of before", info.State.Subjects[first.Subject], err)
	}
	w.dead("foreign", 0)
}

// A durable that does not read its copies would lose what is redriven to it.
func TestRedriveToADurableThatDoesNotListen(t *testing.T) {
	w := newWorld(t)
	w.letters()
	if _, err := w.js.CreateConsumer(t.Context(), "IDENTITY", jetstream.ConsumerConfig{
		Durable: "own", FilterSubject: "identity.>", AckPolicy: jetstream.AckExplicitPolicy,
	}); err != nil {
		t.Fatal(err)
	}
	w.foreign("own", func(m jetstream.Msg) error { return m.Term() })
	w.publish("user.created", "1", "42")
	if l := w.dead("own", 1)[0]; l.Reason != "terminated" {
		t.Errorf("%+v", l)
	}
	if _, err := (consumer.Redrive{JS: w.js, Stream: w.stream}).Run(t.Context()); err == nil {
		t.Error("redriven to nobody")
	}
	w.dead("own", 1)
}
