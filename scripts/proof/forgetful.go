package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// forgetfulCommand makes the stream forget what it had acknowledged, as JetStream does after a power cut of its host: it
// answers before it flushes. The journal lives, and must bring everything in the guard window again, once.
type forgetfulCommand struct{}

// Run is called by kong and by all.
func (c forgetfulCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "forgetful", c.prove)
}

// forgetfulGuard is longer than a round: everything is in the guard window.
const forgetfulGuard = 2 * time.Minute

// A way to forget.
const (
	rolledBack = iota // another process, its store put back by some seconds
	embedded          // the same, in forebay, which dies with it
	emptied           // another process, its store gone
	ways
)

func (c forgetfulCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	for n := range p.rounds(30, ways) {
		if p.enough(sum) {
			break
		}
		way := n % ways
		err := p.trial(n, setup{external: way != embedded, guard: forgetfulGuard}, func(t *trial) error {
			return c.round(ctx, t, way, sum)
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c forgetfulCommand) round(ctx context.Context, t *trial, way int, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{rate: 1500})
	defer l.abandon()
	holder, store := t.daemon.process, filepath.Join(t.daemon.data, "nats")
	if way != embedded {
		holder, store = t.server.process, t.server.store
	}
	if err := l.await(ctx, 200+t.rng.IntN(800)); err != nil {
		return err
	}
	was := "" // what the store was before; nothing where it is emptied
	if way != emptied {
		was = filepath.Join(t.dir, "was")
		if err := copyStore(holder, store, was); err != nil {
			return fmt.Errorf("copy the store: %w", err)
		}
	}
	if err := l.await(ctx, 300); err != nil {
		return err
	}
	pause(ctx, t.between(0, 3*time.Second))
	before := t.ledger.count()
	if err := c.forget(ctx, t, way, func() error { return replaceStore(store, was) }); err != nil {
		return err
	}
	healed := time.Now()
	if err := l.await(ctx, 100); err != nil {
		return err
	}
	err := t.finish(ctx, l, healed, 1, sum)
	t.say("round %d: %d accepted before, %d in the end", t.round, before, t.ledger.count())
	return err
}

// forget exchanges the store while its server is down, and now and then while forebay is down as well.
func (c forgetfulCommand) forget(ctx context.Context, t *trial, way int, exchange func() error) error {
	both := way == embedded || t.rng.IntN(3) == 0
	if t.server != nil {
		t.server.kill()
	}
	if both {
		t.daemon.kill()
	}
	if err := exchange(); err != nil {
		return fmt.Errorf("exchange the store: %w", err)
	}
	pause(ctx, t.between(0, time.Second))
	if t.server != nil {
		if err := t.server.start(ctx); err != nil {
			return err
		}
	}
	if both {
		return t.daemon.start(ctx)
	}
	return nil
}
