package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
)

// consumeShare is the part of the backlog's length that the rows consume, replay and stream work with.
const consumeShare = 5

// consume measures the row of that name: a stream full of forebay's events is handled by the consumer package, with a
// handler that does nothing, and fetched plainly. Both acknowledge every event.
func (b *benchmark) consume(ctx context.Context) error {
	broker, err := b.startNATS(ctx, "nats")
	if err != nil {
		return err
	}
	if err := b.fillStream(ctx, broker, b.Backlog/consumeShare); err != nil {
		return err
	}
	js, err := connect(broker.url)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	v := values{}
	for n := range b.Rounds {
		fmt.Fprintf(b.say, "  round %d of %d: the consumer package, then plain fetch\n", n+1, b.Rounds)
		for _, one := range []struct {
			who string
			run func(context.Context, jetstream.JetStream, string, int) error
		}{{ours, handleAll}, {"plain", fetchPlainly}} {
			rate, err := timed(ctx, js, fmt.Sprint(one.who, n), b.Backlog/consumeShare, one.run)
			if err != nil {
				return err
			}
			v.add(one.who, "rate", rate)
		}
	}
	b.note("consume", b.Backlog/consumeShare, b.base(), v)
	return nil
}

// timed declares a durable, lets run take so many events from it, and gives how many a second it took.
func timed(ctx context.Context, js jetstream.JetStream, name string, count int,
	run func(context.Context, jetstream.JetStream, string, int) error,
) (rate float64, err error) {
	if _, err := consumer.Declare(ctx, js, consumer.Config{Name: name, Stream: events()}); err != nil {
		return 0, err
	}
	begun := time.Now()
	if err := run(ctx, js, name, count); err != nil {
		return 0, err
	}
	return float64(count) / time.Since(begun).Seconds(), nil
}

// fillStream lets forebay publish some events, and publishes the same again and again until there are so many.
func (b *benchmark) fillStream(ctx context.Context, broker *natsServer, count int) error {
	e := &entrant{name: ours}
	var err error
	if e.process, err = b.forebay(ctx, filepath.Join(b.dir, ours), setup{ack: "journal", nats: broker.url, consumers: 1}); err != nil {
		return err
	}
	c := closedLoop(b.base(), fillTime)
	c.Count = int64(min(count, sampleSize))
	if _, err := b.take(ctx, e, c); err != nil {
		return err
	}
	_, sample, err := readSample(ctx, broker.url)
	if err != nil {
		return err
	}
	js, err := connect(broker.url)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	_, err = publishAll(ctx, js, sample, count-len(sample))
	return err
}

// handleAll handles so many events with the consumer package.
func handleAll(ctx context.Context, js jetstream.JetStream, name string, count int) error {
	done := make(chan struct{})
	var n atomic.Int64
	stop, err := runConsumer(ctx, js, consumer.Config{Name: name, Stream: events(), Handler: func(context.Context, *consumer.Message) error {
		if n.Add(1) == int64(count) {
			close(done)
		}
		return nil
	}})
	if err != nil {
		return err
	}
	defer stop()
	select {
	case <-done:
		return nil
	case <-time.After(settleTime):
		return fmt.Errorf("%d of %d events were handled", n.Load(), count)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// fetchSize is how many messages the plain program asks for at once, as the consumer package does.
const fetchSize = 256

// fetchPlainly fetches so many messages and acknowledges each.
func fetchPlainly(ctx context.Context, js jetstream.JetStream, name string, count int) error {
	durable, err := js.Consumer(ctx, streamName, name)
	if err != nil {
		return err
	}
	for n := 0; n < count && ctx.Err() == nil; {
		batch, err := durable.Fetch(min(fetchSize, count-n))
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			if err := m.Ack(); err != nil {
				return err
			}
			n++
		}
		if err := batch.Error(); err != nil {
			return err
		}
	}
	return errors.Join(ctx.Err(), js.Conn().Flush())
}
