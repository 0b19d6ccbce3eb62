package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
)

// A match pairs two moments of each event, which may be noted in any order.
type match struct {
	mu    sync.Mutex
	open  map[string]time.Time
	times histogram // from the first moment to the second; never below 0
}

// note notes a moment of an event: when it began to count, or when that was over.
func (m *match) note(id string, at time.Time, over bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	other, ok := m.open[id]
	if !ok {
		m.open[id] = at
		return
	}
	delete(m.open, id)
	if over {
		m.times.add(at.Sub(other))
	} else {
		m.times.add(other.Sub(at))
	}
}

// complete waits until every moment has found the other.
func (m *match) complete(ctx context.Context) error {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for end := time.After(patience); ; {
		m.mu.Lock()
		left := len(m.open)
		m.mu.Unlock()
		if left == 0 {
			return nil
		}
		select {
		case <-look.C:
		case <-end:
			return fmt.Errorf("%d events were not handled", left)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// passGap is the time between two events whose ways are measured: 200 a second.
const passGap = 5 * time.Millisecond

// events are ours in the stream.
func events() consumer.Stream { return consumer.Stream{Name: streamName, Prefix: "identity"} }

// passes sends forebay one event after the other until over, and measures from the answer to the handler of a consumer.
func (b *benchmark) passes(ctx context.Context, js jetstream.JetStream, p *process, native string, over <-chan struct{}) (
	times histogram, err error,
) {
	m := &match{open: map[string]time.Time{}}
	c := consumer.Config{Name: "passes", Stream: events(), Actions: []string{actionOf(native)}, New: true}
	c.Handler = func(_ context.Context, event *consumer.Message) error {
		m.note(event.Event.ID, time.Now(), true)
		return nil
	}
	stop, err := runConsumer(ctx, js, c)
	if err != nil {
		return times, err
	}
	defer stop()
	one, err := dial(p.at.Webhooks, native, b.Sizes[0], "")
	if err != nil {
		return times, err
	}
	defer one.close()
	err = every(passGap, over, func() error {
		if err := one.deliver(time.Now().Add(patience)); err != nil {
			return err
		}
		m.note(one.turns[0].id(), time.Now(), false)
		return nil
	})
	if err != nil {
		return times, err
	}
	return m.times, m.complete(ctx)
}

// runConsumer declares a durable and runs its consumer until stop.
func runConsumer(ctx context.Context, js jetstream.JetStream, c consumer.Config) (stop func(), err error) {
	if _, err := awaitStream(ctx, js); err != nil {
		return nil, err
	}
	if _, err := consumer.Declare(ctx, js, c); err != nil {
		return nil, err
	}
	made, err := consumer.New(js, c)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = made.Run(ctx) // what it did not hand over is missed by who counts
	}()
	return func() { cancel(); <-ended }, nil
}

// every calls f at intervals until over, or until it fails.
func every(gap time.Duration, over <-chan struct{}, f func() error) error {
	tick := time.NewTicker(gap)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := f(); err != nil {
				return err
			}
		case <-over:
			return nil
		}
	}
}

func recordPasses(v values, who string, times *histogram) {
	v.add(who, "p50", times.quantile(.5).Seconds())
	v.add(who, "p99", times.quantile(.99).Seconds())
	v.add(who, "events", float64(times.count))
}
