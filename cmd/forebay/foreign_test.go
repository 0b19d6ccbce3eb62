package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
)

// foreignSteps is the schedule of the consumer that a foreign client serves.
var foreignSteps = []time.Duration{200 * time.Millisecond, 600 * time.Millisecond, time.Second}

const foreignYAML = "consumers:\n" +
	"  crm: {actions: [user.created], retry: [200ms, 600ms, 1s], max_attempts: 4}\n" +
	"  audit: {actions: [user.created]}\n"

// A client that is plain nats.go leaves events unanswered, or refuses them. The attempts follow the schedule; then the event
// is a dead letter with reason and attempts, and redrive brings it back to that durable alone. It is the same where forebay
// is away while the attempts run out.
func TestForeignClient(t *testing.T) {
	for name, c := range map[string]struct {
		refuse func(jetstream.Msg) error
		away   bool
		steps  []time.Duration
	}{
		"unanswered":               {func(jetstream.Msg) error { return nil }, false, foreignSteps},
		"unanswered, forebay away": {func(jetstream.Msg) error { return nil }, true, foreignSteps},
		// The server adds to the delay what the step of the attempt is longer than the first.
		"nak with the first step": {func(m jetstream.Msg) error { return m.NakWithDelay(foreignSteps[0]) }, false, foreignSteps},
		"nak, forebay away":       {func(m jetstream.Msg) error { return m.NakWithDelay(foreignSteps[0]) }, true, foreignSteps},
		// A bare nak knows no schedule: the next attempt comes at once, and counts.
		"bare nak": {func(m jetstream.Msg) error { return m.Nak() }, false, make([]time.Duration, 3)}, //nolint:forbidigo // what foreign clients do
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of it is waiting
			nats := brokertest.Start(t)
			d := newDaemon(t, externalYAML(nats.URL, "off")+foreignYAML)
			d.run(t)
			crm, audit := durableOf(t, nats, "crm"), durableOf(t, nats, "audit")
			d.forebay(t, "send", "mgpass", "user.created")
			d.stream(t, 1)
			if c.away {
				d.kill()
			}
			wantSchedule(t, attemptsUntilDead(t, crm, c.refuse), c.steps)
			if c.away {
				d.run(t)
			}
			wantDeadThenBack(t, d, crm, audit)
			check(t, d.stop())
		})
	}
}

func durableOf(t *testing.T, server *brokertest.Server, name string) (durable jetstream.Consumer) {
	t.Helper()
	js := server.JetStream(t)
	check(t, poll(func() (err error) {
		durable, err = js.Consumer(t.Context(), "IDENTITY", name)
		return err
	}))
	return durable
}

// attemptsUntilDead takes hand-overs until there are no more, and gives when they came. It asks once more, which is when
// the server notices.
func attemptsUntilDead(t *testing.T, durable jetstream.Consumer, refuse func(jetstream.Msg) error) (at []time.Time) {
	t.Helper()
	for {
		msg, err := durable.Next(jetstream.FetchMaxWait(3 * time.Second))
		if errors.Is(err, nats.ErrTimeout) {
			return at
		}
		check(t, err)
		at = append(at, time.Now())
		check(t, refuse(msg))
	}
}

// wantSchedule allows for a slow machine: an attempt may be late, and never early.
func wantSchedule(t *testing.T, at []time.Time, steps []time.Duration) {
	t.Helper()
	if len(at) != len(steps)+1 {
		t.Fatalf("%d attempts, want %d", len(at), len(steps)+1)
	}
	for i, step := range steps {
		gap := at[i+1].Sub(at[i])
		if gap < step-20*time.Millisecond || gap > step+1500*time.Millisecond {
			t.Errorf("attempt %d came %s after the one before, want %s", i+2, gap, step)
		}
	}
}

// wantDeadThenBack looks at the dead letter and redrives it.
func wantDeadThenBack(t *testing.T, d *daemon, crm, audit jetstream.Consumer) {
	t.Helper()
	var dead []deadRow
	check(t, poll(func() error {
		dead = rows[deadRow](t, d.forebay(t, "dead", "list", "--json"))
		return wantCount(dead, 1)
	}))
	if l := dead[0]; l.Consumer != "crm" || l.Reason != "max deliveries" || l.Attempts != 4 || l.Action != "user.created" || l.Seq != 1 {
		t.Errorf("the dead letter is %+v", l)
	}
	d.forebay(t, "dead", "redrive", "--consumer", "crm")
	wantNext(t, crm, "identity-redrive.crm.mgpass.user.created")
	wantNext(t, audit, "identity.mgpass.user.created")
	for _, durable := range []jetstream.Consumer{crm, audit} {
		if msg, err := durable.Next(jetstream.FetchMaxWait(300 * time.Millisecond)); !errors.Is(err, nats.ErrTimeout) {
			t.Errorf("%s got more: %v, %v", durable.CachedInfo().Name, msg, err)
		}
	}
	if dead := d.forebay(t, "dead", "list"); dead != "" {
		t.Errorf("after redrive there are dead letters: %s", dead)
	}
}

// wantNext acknowledges the next event of a durable: its first attempt.
func wantNext(t *testing.T, durable jetstream.Consumer, subject string) {
	t.Helper()
	msg, err := durable.Next(jetstream.FetchMaxWait(5 * time.Second))
	check(t, err)
	meta, err := msg.Metadata()
	check(t, err)
	if msg.Subject() != subject || meta.NumDelivered != 1 {
		t.Errorf("%s, attempt %d; want %s, attempt 1", msg.Subject(), meta.NumDelivered, subject)
	}
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	if err := msg.DoubleAck(ctx); err != nil {
		t.Error(fmt.Errorf("acknowledge: %w", err))
	}
}
