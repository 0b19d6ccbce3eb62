package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
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
	running map[string]*runner // by the name of the consumer
	all     sync.WaitGroup

	mu      sync.Mutex
	stopped map[string]error // consumers that do not run although they should, by name
}

// A runner is a consumer that runs.
type runner struct {
	stop context.CancelFunc // softly
	done chan struct{}
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
		configured: make(chan *config.Config, 1), running: map[string]*runner{}, stopped: map[string]error{},
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
	letters := &consumer.DeadLetters{JS: w.js, Stream: events(c), Log: w.log, Metrics: w.metrics}
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

// apply runs the consumers of a configuration in the place of those that run. Each begins when its former self has
// finished its attempts, whatever the others do.
func (w *wayOut) apply(ctx context.Context, c *config.Config) {
	former := w.running
	w.running = map[string]*runner{}
	for _, r := range former {
		r.stop()
	}
	for _, each := range c.Consumers {
		before := make(chan struct{})
		if r := former[each.Name]; r != nil {
			before = r.done
		} else {
			close(before)
		}
		asking, stop := context.WithCancel(ctx)
		r := &runner{stop: stop, done: make(chan struct{})}
		w.running[each.Name] = r
		w.all.Go(func() {
			defer close(r.done)
			defer stop()
			<-before
			w.consume(asking, c, each)
		})
	}
}

// consume runs one consumer until ctx ends. What goes wrong with it stays with it: it stops, /readyz says so, and it is
// begun again, with growing pauses.
func (w *wayOut) consume(ctx context.Context, c *config.Config, each config.Consumer) {
	settings := each.Config()
	settings.Stream, settings.Log, settings.Metrics, settings.Failures = events(c), w.log, w.metrics, &w.failures
	settings.Tracer = w.traces.tracer("consumer")
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(time.Second),
		backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		if each.Run == "" {
			w.keep(ctx, settings)
			return
		}
		w.note(each.Name, nil)
		if err := w.work(ctx, c, each, settings); err != nil {
			w.log.Error("consumer stopped", "consumer", each.Name, "err", err)
			w.note(each.Name, err)
			_, _ = consumer.Declare(ctx, w.js, settings) // so that it is seen among the others; Run would say what is wrong
		}
		select {
		case <-time.After(pause.NextBackOff()):
		case <-ctx.Done():
			w.note(each.Name, nil)
		}
	}
}

// note remembers why a consumer does not run. Nil: it does, or it is not to.
func (w *wayOut) note(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if err == nil {
		delete(w.stopped, name)
		return
	}
	w.stopped[name] = fmt.Errorf("consumer %s stopped: %w", name, err)
	w.failures.Note(consumer.Failure{Consumer: name, Reason: fmt.Sprint("stopped: ", err), Time: time.Now()})
}

// problems are the consumers that do not run although they should. Their events wait.
func (w *wayOut) problems() (all []error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.stopped)) {
		all = append(all, w.stopped[name])
	}
	return all
}

// work runs a job. Its connections outlive the attempts that need them. A job that says that going on is pointless gets
// no more events: they wait in the durable.
func (w *wayOut) work(ctx context.Context, c *config.Config, each config.Consumer, settings consumer.Config) error {
	job, err := workshop{
		config: c, js: w.js, log: w.log, metrics: w.registry,
		warn: func(text string) { w.log.Warn("configuration", "err", text) },
	}.job(each)
	if err != nil {
		return err
	}
	settings.Handler = job.Handle
	runs, err := consumer.New(w.js, settings)
	if err != nil {
		return err
	}
	asking, stop := context.WithCancel(ctx)
	defer stop()
	beside, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	pointless := make(chan error, 1)
	go func() {
		err := job.Run(beside)
		if err != nil {
			stop()
		}
		pointless <- err
	}()
	err = runs.Run(asking)
	end()
	if beside := <-pointless; beside != nil {
		return fmt.Errorf("job %s: %w", each.Run, beside)
	}
	return err
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
