package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// warmUp bounds the load before the first round: for caches, and for the first files of every store.
const warmUp = 2 * time.Second

// A benchmark is one run: its settings, and where it says what it is doing.
type benchmark struct {
	runCommand
	say io.Writer
}

// run starts all contestants, gives each its turns, A B C A B C, and takes them down again. A report that comes with an
// error is complete: only taking down went wrong.
func (b *benchmark) run(ctx context.Context) (r *report, err error) {
	chosen, err := choose(b.Only)
	if err != nil {
		return nil, err
	}
	r = &report{settings: b.runCommand}
	if r.Machine, err = lookAround(b.Dir, b.Forebay); err != nil {
		return nil, err
	}
	if r.Starts, err = b.starts(ctx, chosen); err != nil {
		return nil, err
	}
	var running []*entrant
	defer func() {
		for _, e := range running {
			err = errors.Join(err, e.leave())
		}
	}()
	for _, c := range chosen {
		e, err := b.enter(ctx, c)
		if err != nil {
			return nil, err
		}
		running = append(running, e)
		r.Results = append(r.Results, e.result)
		if _, err := b.round(ctx, e, min(warmUp, b.turn())); err != nil {
			return nil, err
		}
	}
	for n := range b.Rounds {
		for _, e := range running {
			fmt.Fprintf(b.say, "round %d of %d: %s\n", n+1, b.Rounds, e.Title)
			one, err := b.round(ctx, e, b.turn())
			if err != nil {
				return nil, err
			}
			e.Rounds = append(e.Rounds, one)
		}
	}
	return r, nil
}

// An entrant is a contestant that runs. It is paused while others have their turn.
type entrant struct {
	*result
	process  *process
	accepted uint64 // by our count, warm-up included
	sent     uint64 // with those whose answer was not a success
}

// enter starts a contestant.
func (b *benchmark) enter(ctx context.Context, c contestant) (*entrant, error) {
	p, err := b.launch(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.name, err)
	}
	return &entrant{result: &result{Name: c.name, Title: c.title}, process: p}, nil
}

// leave ends a contestant, and takes down what all its work cost.
func (e *entrant) leave() error {
	err := e.process.stop()
	e.CPU = e.process.cpu() / time.Duration(max(e.accepted, 1))
	return err
}

// round is one turn: the load, then the time until the stream has everything, then the disk.
func (b *benchmark) round(ctx context.Context, e *entrant, turn time.Duration) (round, error) {
	r, err := b.take(ctx, e, turn)
	if err != nil {
		return r, fmt.Errorf("%s: %w", e.Name, err)
	}
	return r, nil
}

func (b *benchmark) take(ctx context.Context, e *entrant, turn time.Duration) (r round, err error) {
	if err := e.process.resume(); err != nil {
		return r, err
	}
	before, err := e.process.vitals(ctx)
	if err != nil {
		return r, err
	}
	if r.Load, err = b.load(ctx, e.process.at.Webhooks, turn); err != nil {
		return r, err
	}
	e.accepted, e.sent = e.accepted+r.Load.Accepted, e.sent+r.Load.sent()
	if r.Lag, err = e.process.settle(ctx, e.accepted, e.sent); err != nil {
		return r, err
	}
	after, err := e.process.vitals(ctx)
	if err != nil {
		return r, err
	}
	r.Mallocs, r.Resident = after.mallocs-before.mallocs, after.resident
	flushAll() // what one contestant left unwritten is not for the next one to write
	return r, e.process.pause()
}

// starts measures, each time in an empty folder, how long forebay takes from its start to the first accepted event.
func (b *benchmark) starts(ctx context.Context, chosen []contestant) (times []time.Duration, err error) {
	for _, c := range chosen {
		if c.name != ours {
			continue
		}
		for range b.Rounds {
			took, err := b.firstAccepted(ctx, c)
			if err != nil {
				return nil, fmt.Errorf("start of %s: %w", c.name, err)
			}
			times = append(times, took)
		}
	}
	return times, nil
}

func (b *benchmark) firstAccepted(ctx context.Context, c contestant) (took time.Duration, err error) {
	begun := time.Now()
	p, err := b.launch(ctx, c)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	one, err := dial(p.at.Webhooks, b.Size)
	if err != nil {
		return 0, err
	}
	defer one.close()
	if err := one.deliver(begun.Add(startTime)); err != nil {
		return 0, err
	}
	return time.Since(begun), nil
}
