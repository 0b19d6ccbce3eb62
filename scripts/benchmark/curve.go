package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

// streamCurve measures the row stream: forebay with the embedded server takes events step by step, and each step is a
// point of the curve.
func (b *benchmark) streamCurve(ctx context.Context) error {
	p, err := b.forebay(ctx, filepath.Join(b.dir, ours), setup{ack: "journal"})
	if err != nil {
		return err
	}
	e := &entrant{name: ours, process: p}
	c := closedLoop(b.base(), fillTime)
	c.Count = int64(b.Backlog / steps)
	for n := range steps {
		t, err := b.take(ctx, e, c)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.say, "  the stream has %d events\n", e.accepted)
		v := values{}
		t.record(v, ours)
		b.note("stream", (n+1)*b.Backlog/steps, b.base(), v)
	}
	return nil
}

// sourceCurve measures the row sources. The deliveries are for all sources in turn.
func (b *benchmark) sourceCurve(ctx context.Context) error {
	return b.curve(ctx, "sources", []int{1, 100, 10_000}, func(n int) (setup, load) {
		return setup{ack: "journal", sources: n}, load{b.Connections[0], b.Sizes[0], n}
	})
}

// consumerCurve measures the row consumers: each has a job, and waits for events that the load does not have.
func (b *benchmark) consumerCurve(ctx context.Context) error {
	return b.curve(ctx, "consumers", []int{0, 1, 100}, func(n int) (setup, load) {
		return setup{ack: "journal", consumers: n}, b.base()
	})
}

// curve lets forebay in several setups take turns. Each is a point.
func (b *benchmark) curve(ctx context.Context, row string, points []int, of func(int) (setup, load)) error {
	all, loads, v := make([]*entrant, len(points)), make([]load, len(points)), make([]values, len(points))
	for i, n := range points {
		var s setup
		s, loads[i] = of(n)
		begun := time.Now()
		p, err := b.forebay(ctx, filepath.Join(b.dir, fmt.Sprint(n)), s)
		if err != nil {
			return err
		}
		v[i] = values{}
		v[i].add(ours, "ready", time.Since(begun).Seconds())
		all[i] = &entrant{name: fmt.Sprintf("%d %s", n, row), process: p}
		if _, err := b.take(ctx, all[i], closedLoop(loads[i], min(warmUp, b.turn()))); err != nil {
			return err
		}
	}
	for n := range b.Rounds {
		for i, e := range all {
			fmt.Fprintf(b.say, "  round %d of %d: %s\n", n+1, b.Rounds, e.name)
			t, err := b.take(ctx, e, closedLoop(loads[i], b.turn()))
			if err != nil {
				return err
			}
			t.record(v[i], ours)
		}
	}
	for i, n := range points {
		b.note(row, n, b.base(), v[i])
	}
	return nil
}
