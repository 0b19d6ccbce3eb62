package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

// A load is senders at work, each with a connection of its own on which it waits for every answer. The fields in the
// first part say what it is to be.
type load struct {
	connections int      // 0: 8
	rate        float64  // deliveries a second, of all of them; 0: as fast as it goes
	events      int      // how many at least; then it sends no new ones. 0: until finish
	only        []string // sources, by name; empty: all
	honest      bool     // nothing is tampered with
	urgent      int      // percent of the deliveries that have urgent events alone, all others normal ones; 0: as it comes

	trial   *trial
	limiter *rate.Limiter
	made    atomic.Int64 // events
	last    chan struct{}
	ending  sync.Once
	cut     context.CancelFunc
	senders sync.WaitGroup
}

// startLoad returns at once.
func (t *trial) startLoad(ctx context.Context, l *load) *load {
	if l.connections == 0 {
		l.connections = 8
	}
	l.trial, l.last = t, make(chan struct{})
	l.limiter = rate.NewLimiter(rate.Inf, 1)
	if l.rate > 0 {
		l.limiter = rate.NewLimiter(rate.Limit(l.rate), l.connections)
	}
	ctx, l.cut = context.WithCancel(ctx)
	for range l.connections {
		t.loads++
		s := t.newSender(t.prover.dice(t.round, t.loads))
		s.load = l
		l.senders.Go(func() { s.run(ctx) })
	}
	return l
}

// enough reports whether no new deliveries are wanted.
func (l *load) enough() bool {
	select {
	case <-l.last:
		return true
	default:
		return l.events > 0 && int(l.made.Load()) >= l.events
	}
}

// finish sends nothing new, repeats what has no success yet for a while, and returns when all is quiet.
func (l *load) finish() {
	l.ending.Do(func() { close(l.last) })
	end := time.AfterFunc(patience, l.cut)
	l.senders.Wait()
	end.Stop()
	l.cut()
}

// abandon cuts off what is on its way: nobody is to answer it any more.
func (l *load) abandon() {
	l.ending.Do(func() { close(l.last) })
	l.cut()
	l.senders.Wait()
}

// sent returns once a load with a number of events has brought all of them home.
func (l *load) sent(ctx context.Context) error {
	done := make(chan struct{})
	go func() { l.senders.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// await returns once n more events are accepted.
func (l *load) await(ctx context.Context, n int) error {
	from := l.trial.ledger.count()
	return poll(ctx, startTime, func() error {
		if more := l.trial.ledger.count() - from; more < n {
			return fmt.Errorf("%d of %d more events accepted; answers so far: %v", more, n, l.trial.ledger.answered())
		}
		return nil
	})
}

// patience is for how long a load that ends repeats what has no success.
const patience = 20 * time.Second

// newSender makes a sender that can be used by hand, with fresh and send.
func (t *trial) newSender(rng *rand.Rand) *sender {
	return &sender{
		trial: t, rng: rng, maker: &maker{rng: rng}, sources: sources(), client: newClient(),
		load: &load{trial: t, limiter: rate.NewLimiter(rate.Inf, 1)},
	}
}
