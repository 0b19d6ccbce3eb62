package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"
)

// killRounds is how often forebay is killed.
func killRounds(t *testing.T) int { return setting(t, "FOREBAY_KILL_ROUNDS", 5, strconv.Atoi) }

// Killed with SIGKILL at random moments under load and started again, forebay has every accepted event in the stream
// once. Senders repeat what was not answered with a success, as providers do.
func TestKill(t *testing.T) {
	d := newDaemon(t, forebayYAML)
	d.run(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	load := startLoad(ctx, d.target(t, "mgpass"), "token.issued", 8)
	for range killRounds(t) {
		after := time.Duration(20+rand.IntN(300)) * time.Millisecond
		before := load.count()
		<-time.After(after) // the moment is the point: nothing to wait for
		check(t, poll(func() error {
			if load.count() == before {
				return fmt.Errorf("nothing was accepted: %w", load.problem())
			}
			return nil
		}))
		d.kill()
		check(t, d.start(), d.awaitReady())
	}
	load.finish()
	wantOnce(t, d.stream(t, load.count()), load.accepted)
}

// A load is several senders at work. Each repeats a delivery until it is answered with a success.
type load struct {
	target  *target
	stop    chan struct{}
	senders sync.WaitGroup

	mu       sync.Mutex
	accepted []string // "<source>/<event id>", in order where there is one sender
	refused  int      // answers that were no success
	last     error
}

func startLoad(ctx context.Context, t *target, native string, senders int) *load {
	l := &load{target: t, stop: make(chan struct{})}
	for range senders {
		l.senders.Go(func() {
			for ctx.Err() == nil && !l.stopped() {
				l.one(ctx, native)
			}
		})
	}
	return l
}

func (l *load) stopped() bool {
	select {
	case <-l.stop:
		return true
	default:
		return false
	}
}

func (l *load) one(ctx context.Context, native string) {
	d, err := l.target.make(native)
	if err != nil {
		l.note(answer{cause: err}, "")
		return
	}
	for pause := time.NewTicker(5 * time.Millisecond); ctx.Err() == nil; <-pause.C {
		a := l.target.post(ctx, d)
		l.note(a, l.target.source.Name+"/"+d.ids[0])
		if a.success() {
			pause.Stop()
			return
		}
	}
}

func (l *load) note(a answer, id string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case a.success():
		l.accepted = append(l.accepted, id)
	case a.cause != nil:
		l.last = a.cause
	default:
		l.refused++
		l.last = fmt.Errorf("answered %d %s", a.Status, a.Body)
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.accepted)
}

func (l *load) problem() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// finish lets every sender bring its last delivery home.
func (l *load) finish() {
	close(l.stop)
	l.senders.Wait()
}
