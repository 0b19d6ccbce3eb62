package main

import (
	"context"
	"errors"
	"time"
)

// killCommand kills forebay at random moments under load. It is started again at once, and now and then killed once more
// while it recovers. Half of the time the server is embedded, and dies with it; half of the time it is another process,
// which goes away meanwhile, so that the journal alone knows what was accepted.
type killCommand struct{}

// Run is called by kong and by all.
func (c killCommand) Run(ctx context.Context, p *prover) error { return p.prove(ctx, "kill", c.prove) }

// killsPerTrial is how often one forebay is killed before its stream is read and another begins with empty folders.
const killsPerTrial = 10

func (c killCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	kills := p.rounds(100, 6)
	each := min(killsPerTrial, (kills+1)/2)
	external := true
	for first := 0; first < kills && ctx.Err() == nil && !p.enough(sum); first += each {
		err := p.trial(first, setup{external: external}, func(t *trial) error {
			return c.round(ctx, t, min(each, kills-first), sum)
		})
		if err != nil {
			return err
		}
		external = !external
	}
	return ctx.Err()
}

func (c killCommand) round(ctx context.Context, t *trial, kills int, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{rate: 2000})
	defer l.abandon()
	for n := range kills {
		if err := l.await(ctx, 50+t.rng.IntN(200)); err != nil {
			return err
		}
		if err := c.kill(ctx, t, l, n); err != nil {
			return err
		}
		t.say("kill %d: %d accepted, %v", n+1, t.ledger.count(), t.ledger.answered())
	}
	return t.finish(ctx, l, time.Now(), kills, sum)
}

// kill kills forebay and starts it again, with the server away meanwhile if it is another process.
func (c killCommand) kill(ctx context.Context, t *trial, l *load, n int) error {
	if t.server == nil {
		return c.restart(ctx, t)
	}
	back, err := c.serverAway(ctx, t, n)
	if err != nil {
		return err
	}
	if err = l.await(ctx, 100); err == nil {
		err = c.restart(ctx, t)
	}
	return errors.Join(err, back())
}

func (c killCommand) restart(ctx context.Context, t *trial) error {
	pause(ctx, t.between(0, 700*time.Millisecond))
	t.daemon.kill()
	if t.rng.IntN(2) == 0 {
		if err := t.daemon.launch(); err != nil {
			return err
		}
		pause(ctx, t.between(0, 400*time.Millisecond))
		t.daemon.kill()
	}
	return t.daemon.start(ctx)
}

// serverAway kills the server, or holds it: then it still gets what is on its way to it.
func (c killCommand) serverAway(ctx context.Context, t *trial, n int) (back func() error, err error) {
	if n%3 == 1 {
		return t.server.resume, t.server.pause()
	}
	t.server.kill()
	return func() error { return t.server.start(ctx) }, nil
}
