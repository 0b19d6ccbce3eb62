package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// strangersCommand does what no provider would, while honest sources go on sending: broken and slow requests, changed
// bytes, repeats, a flood, and rightly signed deliveries with hostile content. Then it looks for secrets in everything
// that forebay wrote.
type strangersCommand struct {
	Fuzz time.Duration `help:"Then fuzz every target in the repository for so long. Default: 1m, and not at all with --short." placeholder:"TIME"`
}

// Run is called by kong and by all.
func (c strangersCommand) Run(ctx context.Context, p *prover) error {
	return p.prove(ctx, "strangers", c.prove)
}

func (c strangersCommand) prove(ctx context.Context, p *prover, sum *tally) error {
	for n := range p.rounds(10, 1) {
		for _, round := range []func(context.Context, *trial, *tally) error{c.outside, c.inside} {
			err := p.trial(n, setup{}, func(t *trial) error { return round(ctx, t, sum) })
			if err != nil {
				return err
			}
		}
		if err := c.encrypted(ctx, p, n, sum); err != nil {
			return err
		}
	}
	return c.fuzz(ctx, p, sum)
}

// outside is what somebody can do who knows no secret: nothing of it is answered with a success, and honest sources are
// served meanwhile.
func (c strangersCommand) outside(ctx context.Context, t *trial, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{rate: 200, connections: 4})
	defer l.abandon()
	if err := l.await(ctx, 50); err != nil {
		return err
	}
	found := &findings{}
	var attacks sync.WaitGroup
	for _, attack := range []func(context.Context, *trial, *findings){malformed, slow, tampered, replayed, flood, browsers} {
		attacks.Go(func() { attack(ctx, t, found) })
	}
	served := l.await(ctx, 200)
	attacks.Wait()
	if served != nil {
		found.add("honest sources are not served beside strangers: %v", served)
	}
	l.finish()
	t.say("strangers: %d attempts, %v", found.attempts, t.ledger.answered())
	part, err := t.settle(ctx, time.Now())
	if err != nil {
		return err
	}
	found.report(part)
	searchSecrets(ctx, t, nil, part)
	sum.add(part)
	return t.daemon.stop()
}

// findings are what attacks found, from many goroutines.
type findings struct {
	mu       sync.Mutex
	attempts int
	problems []string
}

func (f *findings) add(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.problems = append(f.problems, fmt.Sprintf(format, args...))
}

// tried counts an attempt, and notes one that was answered with a success.
func (f *findings) tried(what string, status int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.attempts++; succeeded(status) {
		f.problems = append(f.problems, fmt.Sprintf("answered %d: %s", status, what))
	}
}

func (f *findings) report(sum *tally) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range f.problems {
		sum.violate("%s", p)
	}
	if f.attempts == 0 {
		sum.violate("nothing was tried")
	}
}

// over reports whether an error is only that the proof was called off.
func over(ctx context.Context, err error) bool { return err == nil || errors.Is(err, ctx.Err()) }
