package main

import (
	"context"
	"time"
)

// powerCutCommand cuts the power under load: the disk is copied at one moment, forebay is killed, and starts again from
// the copy. Journal and embedded stream are on that disk. What was accepted up to that moment must be there in the end.
//
// Every other drive has a cache that loses what was not flushed. Some cuts come while forebay starts from the one before,
// in the middle of the burst in which it offers the guard window again.
type powerCutCommand struct {
	Size int `help:"Of the disk, in megabytes." default:"384"`
}

// Run is called by kong and by all.
func (c powerCutCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "power-cut", c.prove)
}

// cutsPerDrive makes a trial longer than the guard window, so that some of what was accepted is forgotten by the journal.
const cutsPerDrive = 10

func (c powerCutCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	if err := canMount(); err != nil {
		return err
	}
	cuts := p.rounds(50, 4)
	each := min(cutsPerDrive, (cuts+1)/2)
	for first := 0; first < cuts && ctx.Err() == nil && !p.enough(sum); first += each {
		err := p.trial(first, setup{}, func(t *trial) error {
			return c.trial(ctx, t, min(each, cuts-first), first/each%2 == 1, sum)
		})
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (c powerCutCommand) trial(ctx context.Context, t *trial, cuts int, cache bool, sum *tally) error {
	d, err := newDrive(ctx, t.dir, c.Size, cache)
	if err != nil {
		return err
	}
	t.unmount, t.daemon.data = d.remove, d.data()
	if err := t.daemon.start(ctx); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{rate: 500})
	defer l.abandon()
	for n := range cuts {
		if err := c.moment(ctx, t, l, n); err != nil {
			return err
		}
		if err := c.cut(ctx, t, d); err != nil {
			return err
		}
		if err := t.daemon.launch(); err != nil {
			return err
		}
		t.prover.say("cut %d: %d accepted, %v", n+1, t.ledger.count(), t.ledger.answered())
	}
	if err := t.daemon.awaitReady(ctx); err != nil {
		return err
	}
	healed := time.Now()
	if err := l.await(ctx, 50); err != nil {
		return err
	}
	return t.finish(ctx, l, healed, cuts, sum)
}

// moment is when the power is cut: under load, or while forebay starts.
func (c powerCutCommand) moment(ctx context.Context, t *trial, l *load, n int) error {
	if n > 0 && t.rng.IntN(4) == 0 {
		pause(ctx, t.between(0, 500*time.Millisecond))
		return ctx.Err()
	}
	if err := t.daemon.awaitReady(ctx); err != nil {
		return err
	}
	if err := l.await(ctx, 50+t.rng.IntN(200)); err != nil {
		return err
	}
	pause(ctx, t.between(0, 4*time.Second))
	return ctx.Err()
}

func (c powerCutCommand) cut(ctx context.Context, t *trial, d *drive) error {
	m := t.ledger.mark()
	if err := d.snapshot(); err != nil {
		return err
	}
	t.daemon.kill()
	if err := d.restore(ctx); err != nil {
		return err
	}
	t.ledger.forget(m)
	return nil
}

// forget takes back what was accepted after a mark, by a forebay that there never was: it may be in the stream or not,
// until it is accepted again.
func (l *ledger) forget(after mark) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		if e.answered > int64(after) {
			e.answered, e.doubtful = 0, true
			l.accepted--
		}
	}
}
