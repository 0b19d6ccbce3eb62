package main

import (
	"context"
	"fmt"
	"time"
)

// outageCommand takes NATS away in every way that it goes away. Deliveries must be answered with successes all the while.
type outageCommand struct {
	Events int           `help:"How many events are accepted while NATS is stopped; 0: a million, or 20000 with --short." default:"0"`
	Paused time.Duration `help:"How long NATS is held; 0: a minute, or 5 seconds with --short." default:"0"`
	Only   string        `help:"Only this: stopped, killed or paused." enum:"stopped,killed,paused," default:""`
}

// Run is called by kong and by all.
func (c outageCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "outage", c.prove)
}

// outageGuard is the guard window, and with it the stream's duplicate window: shorter than the outages, so that nothing
// leans on what the server remembers.
const outageGuard = 2 * time.Second

func (c outageCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	ways := []struct {
		name string
		out  func(context.Context, *trial, *tally) error
	}{{"stopped", c.stopped}, {"killed", c.killed}, {"paused", c.paused}}
	for n, way := range ways {
		if c.Only != "" && c.Only != way.name || p.enough(sum) {
			continue
		}
		err := p.trial(n, setup{external: true, guard: outageGuard}, func(t *trial) error { return way.out(ctx, t, sum) })
		if err != nil {
			return fmt.Errorf("%s: %w", way.name, err)
		}
	}
	return ctx.Err()
}

// stopped takes in a backlog while there is no server, urgent events last of all. When it is back they must overtake.
func (c outageCommand) stopped(ctx context.Context, t *trial, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	memory := t.watchMemory(ctx)
	if err := t.server.stop(); err != nil {
		return err
	}
	if err := t.startLoad(ctx, &load{connections: 16, events: c.events(t.prover), urgent: 5}).sent(ctx); err != nil {
		return err
	}
	t.say("backlog: %d accepted, %v", t.ledger.count(), t.ledger.answered())
	backlog := t.ledger.mark()
	if err := t.startLoad(ctx, &load{events: 200, urgent: 100, honest: true}).sent(ctx); err != nil {
		return err
	}
	if err := t.server.start(ctx); err != nil {
		return err
	}
	part, err := t.settle(ctx, time.Now())
	if err != nil {
		return err
	}
	t.overtaken(backlog, part)
	memory.judge(part)
	return c.finish(t, part, sum)
}

func (c outageCommand) events(p *prover) int {
	switch {
	case c.Events > 0:
		return c.Events
	case p.Short:
		return 20_000
	default:
		return 1_000_000
	}
}

// killed kills NATS again and again, and restarts it as an operator does, under load.
func (c outageCommand) killed(ctx context.Context, t *trial, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	memory := t.watchMemory(ctx)
	l := t.startLoad(ctx, &load{rate: 2000})
	defer l.abandon()
	for n := range t.prover.rounds(30, 4) {
		if err := l.await(ctx, 50+t.rng.IntN(500)); err != nil {
			return err
		}
		if n%2 == 0 {
			t.server.kill()
		} else if err := t.server.stop(); err != nil {
			return err
		}
		pause(ctx, t.between(0, 2*outageGuard))
		if err := t.server.start(ctx); err != nil {
			return err
		}
	}
	return c.settle(ctx, t, l, memory, sum)
}

// paused holds NATS, so that connections stand and nothing is answered.
func (c outageCommand) paused(ctx context.Context, t *trial, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	memory := t.watchMemory(ctx)
	l := t.startLoad(ctx, &load{rate: 2000})
	defer l.abandon()
	if err := l.await(ctx, 500); err != nil {
		return err
	}
	if err := t.server.pause(); err != nil {
		return err
	}
	pause(ctx, c.pause(t.prover))
	if err := t.server.resume(); err != nil {
		return err
	}
	return c.settle(ctx, t, l, memory, sum)
}

func (c outageCommand) pause(p *prover) time.Duration {
	switch {
	case c.Paused > 0:
		return c.Paused
	case p.Short:
		return 5 * time.Second
	default:
		return time.Minute
	}
}

func (c outageCommand) settle(ctx context.Context, t *trial, l *load, m *memory, sum *tally) error {
	healed := time.Now()
	l.finish()
	part, err := t.settle(ctx, healed)
	if err != nil {
		return err
	}
	m.judge(part)
	return c.finish(t, part, sum)
}

// finish looks at the answers: forebay itself was well all the while.
func (c outageCommand) finish(t *trial, part, sum *tally) error {
	for status, n := range t.ledger.answered() {
		if status != "200" && status != "400" && status != "401" { // these two: tampered with, or the ledger complains
			part.violate("while NATS was away: %d answers of %s", n, status)
		}
	}
	sum.add(part)
	return t.daemon.stop()
}
