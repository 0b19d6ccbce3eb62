package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// Interrupted and resumed several times: each event once, and others see none.
func TestReplayInterrupted(t *testing.T) {
	w := newWorld(t)
	const n = 20_000
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), fmt.Sprint(i%100)) })
	var mu sync.Mutex
	seen := map[uint64]int{}
	w.declare(consumer.Config{Name: "other"})
	w.run(consumer.Config{Name: "sync", New: true, Parallel: 64, Handler: func(_ context.Context, m *consumer.Message) error {
		mu.Lock()
		defer mu.Unlock()
		seen[m.ReplayOf]++
		return nil
	}})
	// Whatever the server remembers of IDs must not be what makes it right.
	w.forget("IDENTITY")

	r := consumer.Replay{JS: w.js, Stream: w.stream, Consumer: "sync", Select: consumer.Selector{Actions: []string{"user.*"}}}
	interruptions := 0
	for {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		r.Progress = func(consumer.Progress) {
			if calls++; calls == 8 {
				cancel()
			}
		}
		p, err := r.Run(ctx)
		cancel()
		if err == nil {
			if p.Given != n || p.Looked != n || p.Total != n {
				t.Errorf("progress %+v", p)
			}
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		interruptions++
		unfinished, err := consumer.Runs(t.Context(), w.js, w.stream)
		if err != nil || len(unfinished) != 1 || unfinished[0].Run != p.Run || unfinished[0].Consumer != "sync" {
			t.Fatalf("runs %+v, %v", unfinished, err)
		}
		r = consumer.Replay{JS: w.js, Stream: w.stream, Resume: p.Run}
	}
	if interruptions < 3 {
		t.Errorf("only %d interruptions", interruptions)
	}
	consumertest.Eventually(t, "all events", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == n
	})
	w.settled("sync")
	for seq, times := range seen {
		if times != 1 || seq == 0 || seq > n {
			t.Fatalf("event %d was seen %d times", seq, times)
		}
	}
	w.lag("other", n) // the original ones
	if left, err := consumer.Runs(t.Context(), w.js, w.stream); err != nil || len(left) != 0 {
		t.Errorf("runs left: %+v, %v", left, err)
	}
}

// The run was killed after it published more than it noted.
func TestReplayWasKilled(t *testing.T) {
	w := newWorld(t)
	const n = 50
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), "42") })
	w.declare(consumer.Config{Name: "sync", New: true})
	w.forget("IDENTITY")
	killed := errors.New("killed")
	r := consumer.Replay{JS: w.js, Stream: w.stream, Consumer: "sync", Rate: 100}
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(killed)
	done := make(chan consumer.Progress)
	go func() {
		p, _ := r.Run(ctx)
		done <- p
	}()
	consumertest.Eventually(t, "some copies", func() bool { return w.status("sync").Lag >= 20 })
	cancel(killed)
	p := <-done
	// Set the note back to the beginning, as a kill would have left it.
	runs, err := w.js.KeyValue(t.Context(), "IDENTITY_REPLAY")
	if err != nil {
		t.Fatal(err)
	}
	note := fmt.Sprintf(`{"run":%q,"consumer":"sync","to":%d,"select":{},"mark":%d}`, p.Run, n, n)
	if _, err := runs.PutString(t.Context(), p.Run, note); err != nil {
		t.Fatal(err)
	}
	probe := 0
	consumertest.Eventually(t, "the stream to forget IDs", func() bool {
		probe++
		m := message(t, "other.probe", "probe", "42")
		m.Subject = "identity-redrive.probe.ssofy.other.probe"
		ack, err := w.js.PublishMsg(t.Context(), m)
		return err == nil && probe > 1 && !ack.Duplicate
	})
	p, err = consumer.Replay{JS: w.js, Stream: w.stream, Resume: p.Run}.Run(t.Context())
	if err != nil || p.Given != n {
		t.Fatalf("%+v, %v", p, err)
	}
	w.lag("sync", n)
}

func TestSelectors(t *testing.T) {
	w := newWorld(t)
	w.publish("user.created", "1", "ada")
	w.publish("user.deleted", "2", "ada")
	third := w.publish("token.revoked", "3", "bob")
	past := time.Now()
	consumertest.Eventually(t, "the clock", func() bool { return time.Since(past) > 5*time.Millisecond })
	middle := time.Now()
	w.publish("user.created", "4", "bob")
	short := message(t, "otp.requested", "5", "bob")
	short.Header.Set(schema.HeaderTTL, "1h")
	w.send(short)
	w.declare(consumer.Config{Name: "sync", New: true})

	for name, c := range map[string]struct {
		sel  consumer.Selector
		want uint64
	}{
		"all":        {consumer.Selector{}, 5},
		"action":     {consumer.Selector{Actions: []string{"user.created"}}, 2},
		"category":   {consumer.Selector{Actions: []string{"user.*", "user.created"}}, 3},
		"source":     {consumer.Selector{Source: "ssofy"}, 5},
		"no source":  {consumer.Selector{Source: "mgpass"}, 0},
		"user":       {consumer.Selector{UserID: "ada"}, 2},
		"event":      {consumer.Selector{EventID: "3"}, 1},
		"from":       {consumer.Selector{FromSeq: third}, 3},
		"to":         {consumer.Selector{ToSeq: third}, 3},
		"from to":    {consumer.Selector{FromSeq: third, ToSeq: third}, 1},
		"beyond":     {consumer.Selector{FromSeq: 1000}, 0},
		"since":      {consumer.Selector{Since: middle}, 2},
		"until":      {consumer.Selector{Until: middle}, 3},
		"future":     {consumer.Selector{Since: time.Now().Add(time.Hour)}, 0},
		"everything": {consumer.Selector{Since: middle, Actions: []string{"user.*"}, Source: "ssofy", UserID: "bob", EventID: "4"}, 1},
	} {
		p, err := consumer.Replay{JS: w.js, Stream: w.stream, Consumer: "sync", Select: c.sel, DryRun: true}.Run(t.Context())
		if err != nil || p.Given != c.want || p.Run != "" {
			t.Errorf("%s: %+v, %v, want %d", name, p, err, c.want)
		}
		var n uint64
		err = consumer.Select(t.Context(), w.js, w.stream, c.sel, func(e consumer.Stored) error {
			n++
			_, err := schema.Parse(e.Subject, e.Header, e.Body)
			return err
		})
		if err != nil || n != c.want {
			t.Errorf("select %s: %d, %v, want %d", name, n, err, c.want)
		}
	}
	w.settled("sync") // nothing was published by a dry run
	for name, r := range map[string]consumer.Replay{
		"no consumer": {Consumer: "nobody"},
		"pattern":     {Consumer: "sync", Select: consumer.Selector{Actions: []string{"*.created"}}},
		"source":      {Consumer: "sync", Select: consumer.Selector{Source: "a.b"}},
		"no run":      {Resume: "unknown"},
	} {
		r.JS, r.Stream = w.js, w.stream
		if p, err := r.Run(t.Context()); err == nil {
			t.Errorf("%s: taken: %+v", name, p)
		}
	}
	if left, err := consumer.Runs(t.Context(), w.js, w.stream); err != nil || len(left) != 0 {
		t.Errorf("runs that cannot succeed are left: %+v, %v", left, err)
	}
}

// A copy is the event, byte for byte, under the ID of the run and with what is left of its lifetime.
func TestReplayCopies(t *testing.T) {
	w := newWorld(t)
	original := message(t, "otp.requested", "1", "42")
	original.Header.Set(schema.HeaderTTL, "1h")
	seq := w.send(original)
	w.declare(consumer.Config{Name: "otp", New: true, Actions: []string{"otp.requested"}})
	p, err := consumer.Replay{JS: w.js, Stream: w.stream, Consumer: "otp"}.Run(t.Context())
	if err != nil || p.Given != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	durable, err := w.js.Consumer(t.Context(), "IDENTITY", "otp")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := durable.Next()
	if err != nil {
		t.Fatal(err)
	}
	if msg.Subject() != "identity-redrive.otp.ssofy.otp.requested" || string(msg.Data()) != string(original.Data) {
		t.Errorf("%s: %s", msg.Subject(), msg.Data())
	}
	if _, err := schema.Parse(msg.Subject(), msg.Headers(), msg.Data()); err != nil {
		t.Error(err)
	}
	h := msg.Headers()
	left, err := time.ParseDuration(h.Get(schema.HeaderTTL))
	if err != nil || left > time.Hour || left < 59*time.Minute {
		t.Errorf("lifetime %s, %v", left, err)
	}
	if h.Get(consumer.HeaderReplayOf) != fmt.Sprint(seq) || h.Get("Nats-Msg-Id") != fmt.Sprintf("replay/%s/%d", p.Run, seq) {
		t.Errorf("headers %v", h)
	}
}
