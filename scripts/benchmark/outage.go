package main

import (
	"context"
	"fmt"
	"path/filepath"
)

// outage measures the row of that name: forebay accepts while its NATS server, a process of its own, is up, and while it
// is down.
func (b *benchmark) outage(ctx context.Context) error {
	broker, err := b.startNATS(ctx, "nats")
	if err != nil {
		return err
	}
	p, err := b.forebay(ctx, filepath.Join(b.dir, ours), setup{ack: "journal", nats: broker.url})
	if err != nil {
		return err
	}
	e := &entrant{name: ours, process: p}
	if _, err := b.take(ctx, e, closedLoop(b.base(), min(warmUp, b.turn()))); err != nil {
		return err
	}
	v := values{}
	for n := range b.Rounds {
		fmt.Fprintf(b.say, "  round %d of %d: up, then down\n", n+1, b.Rounds)
		up, err := b.take(ctx, e, closedLoop(b.base(), b.turn()))
		if err != nil {
			return err
		}
		up.record(v, "up")
		down, err := b.takeWithout(ctx, broker, e)
		if err != nil {
			return err
		}
		down.record(v, "down")
	}
	b.note("outage", 0, b.base(), v)
	return nil
}

// takeWithout is a turn while the NATS server is down. It ends when the server is back and has everything.
func (b *benchmark) takeWithout(ctx context.Context, broker *natsServer, e *entrant) (t turn, err error) {
	if err := broker.stop(); err != nil {
		return t, err
	}
	if t, err = b.fill(ctx, e, closedLoop(b.base(), b.turn())); err != nil {
		return t, err
	}
	if err := broker.start(ctx); err != nil {
		return t, err
	}
	t.lag, err = settle(ctx, broker.url, e.accepted, e.sent)
	return t, err
}

// fill is a turn after which nothing is waited for.
func (b *benchmark) fill(ctx context.Context, e *entrant, c loadCommand) (t turn, err error) {
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
	after, err := e.process.usage(ctx)
	t.used = after.since(before)
	return t, err
}
