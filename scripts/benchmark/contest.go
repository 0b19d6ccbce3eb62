package main

import (
	"context"
	"fmt"
	"time"
)

// warmUp bounds the load before the first round: for caches, and for the first files of every store.
const warmUp = 2 * time.Second

// An entrant is a program that takes part: it runs, and is paused while others have their turn.
type entrant struct {
	name     string
	process  *process
	accepted uint64 // by our count, warm-up included
	sent     uint64 // with those whose answer was not a success
}

// A turn is what was seen of one entrant and one load.
type turn struct {
	loadResult
	lag  time.Duration // from the end of the load until the stream had everything
	used usage         // meanwhile
}

// record adds what was seen to values.
func (t turn) record(v values, who string) {
	v.add(who, "rate", t.rate())
	v.add(who, "p50", t.P50.Seconds())
	v.add(who, "p99", t.P99.Seconds())
	v.add(who, "p999", t.P999.Seconds())
	v.add(who, "lag", t.lag.Seconds())
	v.add(who, "through", float64(t.Accepted)/(t.Seconds+t.lag.Seconds()))
	v.add(who, "cpu", t.used.cpu.Seconds()/float64(t.Accepted))
	v.add(who, "load", t.CPU.Seconds()/t.Seconds)
	v.add(who, "resident", t.used.resident)
	if t.used.mallocs > 0 {
		v.add(who, "mallocs", t.used.mallocs/float64(t.Accepted))
	}
}

// enter starts contestants, warms each up, and pauses it.
func (b *benchmark) enter(ctx context.Context, chosen []contestant, l load) (all []*entrant, err error) {
	for _, c := range chosen {
		c.setup.sources = max(c.setup.sources, l.Sources)
		p, err := b.launch(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.name, err)
		}
		e := &entrant{name: c.name, process: p}
		if _, err := b.take(ctx, e, closedLoop(l, min(warmUp, b.turn()))); err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// closedLoop is the load without an address.
func closedLoop(l load, turn time.Duration) loadCommand {
	return loadCommand{Turn: turn, Connections: l.Connections, Size: l.Size, Sources: l.Sources}
}

// take gives an entrant one turn: the load, then the time until the stream has everything, then the disk.
func (b *benchmark) take(ctx context.Context, e *entrant, c loadCommand) (t turn, err error) {
	if t, err = b.resumed(ctx, e, c); err != nil {
		return t, fmt.Errorf("%s: %w", e.name, err)
	}
	flushAll() // what one left unwritten is not for the next one to write
	return t, nil
}

func (b *benchmark) resumed(ctx context.Context, e *entrant, c loadCommand) (t turn, err error) {
	if err := e.process.resume(); err != nil {
		return t, err
	}
	before, err := e.process.usage(ctx)
	if err != nil {
		return t, err
	}
	c.URL = e.process.at.Webhooks
	if t.loadResult, err = b.send(ctx, c); err != nil {
		return t, err
	}
	e.accepted, e.sent = e.accepted+t.Accepted, e.sent+t.Accepted+t.failed()
	if t.lag, err = settle(ctx, e.process.at.NATS, e.accepted, e.sent); err != nil {
		return t, err
	}
	after, err := e.process.usage(ctx)
	if err != nil {
		return t, err
	}
	t.used = after.since(before)
	return t, e.process.pause()
}

// accept measures the row of that name: contestants in turn, A B C A B C, for each load with processes of their own.
func (b *benchmark) accept(ctx context.Context) error {
	for _, l := range b.loads() {
		if err := b.contest(ctx, "accept", l); err != nil {
			return err
		}
	}
	return nil
}

// latency measures the same at half of the highest rate of each, with deliveries that come whatever the answers do.
func (b *benchmark) latency(ctx context.Context) error { return b.contest(ctx, "latency", b.base()) }

func (b *benchmark) contest(ctx context.Context, row string, l load) error {
	chosen, err := choose(b.Only)
	if err != nil {
		return err
	}
	all, err := b.enter(ctx, chosen, l)
	if err != nil {
		return err
	}
	v := values{}
	rates := map[string]float64{}
	if row == "latency" {
		if rates, err = b.halfRates(ctx, all, l); err != nil {
			return err
		}
	}
	err = b.rounds(ctx, all, v, func(e *entrant) loadCommand {
		c := closedLoop(l, b.turn())
		c.Rate = rates[e.name]
		return c
	})
	if err != nil {
		return err
	}
	b.note(row, 0, l, v)
	return b.close()
}

// rounds gives all entrants their turns and records them.
func (b *benchmark) rounds(ctx context.Context, all []*entrant, v values, load func(*entrant) loadCommand) error {
	for n := range b.Rounds {
		for _, e := range all {
			c := load(e)
			fmt.Fprintf(b.say, "  round %d of %d, %d connections, %d bytes, %d sources: %s\n",
				n+1, b.Rounds, c.Connections, c.Size, c.Sources, titleOf(e.name))
			t, err := b.take(ctx, e, c)
			if err != nil {
				return err
			}
			t.record(v, e.name)
		}
	}
	return nil
}

// halfRates measures the highest rate of each entrant, and gives the halves.
func (b *benchmark) halfRates(ctx context.Context, all []*entrant, l load) (map[string]float64, error) {
	rates := map[string]float64{}
	for _, e := range all {
		t, err := b.take(ctx, e, closedLoop(l, b.turn()))
		if err != nil {
			return nil, err
		}
		rates[e.name] = t.rate() / 2
	}
	return rates, nil
}
