package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

// A wayOut keeps the durables of the configuration, collects dead letters, and runs the consumers that have a job. Where
// none is configured it does nothing.
type wayOut struct {
	broker     *broker.Broker
	registry   prometheus.Registerer
	metrics    *consumer.Metrics
	traces     *traces
	failures   consumer.Failures // outlive a reload
	log        *slog.Logger
	configured chan *config.Config // the newest that was not taken up yet

	js      jetstream.JetStream
	sockets *listeners // outlive a reload
	all     sync.WaitGroup

	mu      sync.Mutex
	running map[string]*runner // by the name of the consumer
}

// newWayOut refuses jobs that cannot be made.
func newWayOut(c *config.Config, b *broker.Broker, r prometheus.Registerer, t *traces, log *slog.Logger) (*wayOut, error) {
	if err := tryJobs(c); err != nil {
		return nil, usageError{err}
	}
	metrics, err := consumer.NewMetrics(r)
	if err != nil {
		return nil, err
	}
	redis.SetLogger(redisLog{log})
	w := &wayOut{
		broker: b, registry: r, metrics: metrics, traces: t, log: log,
		configured: make(chan *config.Config, 1), sockets: newListeners(),
	}
	w.configure(c)
	return w, nil
}

// configure makes run go over to another configuration, whose jobs were tried. One call at a time.
func (w *wayOut) configure(c *config.Config) {
	select {
	case <-w.configured: // nobody took it up, and nobody needs it any more
	default:
	}
	w.configured <- c
}

// run goes on until ctx ends and the attempts under way are done. It asks for events only while NATS is there, and holds
// nothing else up while it is not.
func (w *wayOut) run(ctx context.Context) error {
	var c *config.Config
	for c == nil || len(c.Consumers) == 0 {
		select {
		case c = <-w.configured:
		case <-ctx.Done():
			return nil
		}
	}
	nc, err := w.broker.Dial("forebay consumers", nats.RetryOnFailedConnect(true))
	if err != nil {
		return err
	}
	defer nc.Close()
	defer w.all.Wait()
	if w.js, err = jetstream.New(nc); err != nil {
		return err
	}
	if !w.prepare(ctx, c) {
		return nil
	}
	for {
		w.apply(ctx, c)
		select {
		case c = <-w.configured:
		case <-ctx.Done():
			return nil
		}
	}
}

// prepare begins to collect dead letters. No durable is there before the stream that listens to what the server says of
// it. False: ctx ended first.
func (w *wayOut) prepare(ctx context.Context, c *config.Config) bool {
	letters := &consumer.DeadLetters{JS: w.js, Stream: events(c), Log: w.log, Metrics: w.metrics, Ensure: broker.EnsureStream}
	stream := prepare(c, w.log)
	ready := w.insist(ctx, "prepare consumers", func() error {
		if err := stream(ctx, w.js, c.Stream.Name); err != nil {
			return err
		}
		return letters.Declare(ctx)
	})
	if ready {
		w.all.Go(func() { _ = letters.Run(ctx) }) // what goes wrong it logs, and tries again
	}
	return ready
}

// keepTime is how often a durable without a job is looked at: nobody here would notice that it is gone, as after NATS
// was replaced by an empty server.
const keepTime = 30 * time.Second

// keep makes sure that a durable is there and as configured, for clients that only bind to it.
func (w *wayOut) keep(ctx context.Context, settings consumer.Config) {
	said := map[string]bool{}
	for {
		w.insist(ctx, "declare durable", func() error {
			differences, err := consumer.Declare(ctx, w.js, settings)
			for _, d := range differences {
				if !said[d] {
					w.log.Warn("durable left as it is", "err", d)
				}
				said[d] = true
			}
			return err
		})
		select {
		case <-time.After(keepTime):
		case <-ctx.Done():
			return
		}
	}
}

// notConnected words why the connection that is asked for again and again is not there.
func notConnected(url string, last error) error {
	if errors.Is(last, nats.ErrAuthorization) {
		return fmt.Errorf("connect to %s: the server refuses the login: %w", url, last)
	}
	return fmt.Errorf("connect to %s: no NATS server answers there", url)
}

// insist repeats what does not work, with growing pauses. False: ctx ended first.
func (w *wayOut) insist(ctx context.Context, doing string, do func() error) bool {
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	err := backoff.RetryNotify(do, backoff.WithContext(pause, ctx), func(err error, _ time.Duration) {
		if nc := w.js.Conn(); !nc.IsConnected() { // whatever the library made of that
			err = notConnected(w.broker.URL(), nc.LastError())
		}
		w.log.Warn(doing, "err", err) //nolint:sloglint // a constant of the caller
	})
	return err == nil
}
