package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	fetchTime  = 30 * time.Second // of one request for events
	fetchPulse = time.Second      // how often the server says that it knows of the request; twice without means that it does not
	fetchMost  = 256              // events in one request
)

// Run declares the durable and hands its events over until ctx ends. It then asks for no more, lets attempts under way
// finish for Config.Grace, ends their contexts, and waits a moment longer. While the server is away it keeps trying.
// A Consumer runs once.
func (c *Consumer) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	c.asking, c.work = ctx, work
	var helpers sync.WaitGroup
	helpers.Go(func() { c.pulse(work) })
	defer helpers.Wait()
	defer stop()
	if c.order != nil {
		c.underway.Go(func() { c.watch(ctx) })
	}

	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		err := c.bind(ctx, pause.Reset)
		if ctx.Err() != nil {
			break
		}
		c.log.Warn("fetch events", "err", err)
		wait(ctx, pause.NextBackOff())
	}
	return c.finish(stop)
}

// finish waits for the attempts under way: softly for the grace, then with their contexts ended.
func (c *Consumer) finish(stop func()) error {
	done := make(chan struct{})
	go func() { c.underway.Wait(); close(done) }()
	for _, limit := range []time.Duration{c.config.Grace, patience} {
		timer := time.NewTimer(limit)
		defer timer.Stop()
		select {
		case <-done:
			return c.flush()
		case <-timer.C:
			stop()
		}
	}
	return errors.Join(fmt.Errorf("consumer %s: stop: %w", c.config.Name, errHung), c.flush())
}

// flush sees to it that the last answers reach the server.
func (c *Consumer) flush() error {
	if err := c.js.Conn().FlushTimeout(patience); err != nil {
		c.log.Warn("flush the last answers", "err", err)
	}
	return nil
}

// bind finds the durable and fetches until something goes wrong.
func (c *Consumer) bind(ctx context.Context, bound func()) error {
	differences, err := Declare(ctx, c.js, c.config)
	if err != nil {
		return err
	}
	for _, d := range differences {
		if !c.said[d] {
			c.said[d] = true
			c.log.Warn("durable left as it is", "err", d)
		}
	}
	durable, err := c.js.Consumer(ctx, c.config.Stream.Name, c.config.Name)
	if err != nil {
		return fmt.Errorf("bind to durable %s: %w", c.config.Name, err)
	}
	bound()
	survey := survey{c: c, durable: durable, seen: durable.CachedInfo().Delivered.Consumer}
	if c.order != nil && durable.CachedInfo().NumAckPending > 0 {
		if err := survey.take(ctx); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		if err := c.fetch(ctx, durable, &survey); err != nil {
			return err
		}
	}
	return nil
}

// fetch asks for as many events as there are free slots, and starts their attempts as they come.
func (c *Consumer) fetch(ctx context.Context, durable jetstream.Consumer, s *survey) error {
	n := c.acquire(ctx)
	defer func() { c.release(n) }()
	if n == 0 {
		return nil
	}
	request, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	batch, err := durable.Fetch(n, jetstream.FetchContext(request), jetstream.FetchHeartbeat(fetchPulse))
	if err != nil {
		return fmt.Errorf("fetch from %s: %w", c.config.Name, err)
	}
	for msg := range batch.Messages() {
		started, err := c.start(ctx, msg, s)
		if started {
			n--
		}
		if err != nil {
			return err
		}
	}
	if err := batch.Error(); err != nil && request.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("fetch from %s: %w", c.config.Name, err)
	}
	return nil
}

// acquire waits for a free slot and takes all that are free then. 0: ctx ended.
func (c *Consumer) acquire(ctx context.Context) (n int) {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return 0
	}
	for n = 1; n < fetchMost; n++ {
		select {
		case c.slots <- struct{}{}:
		default:
			return n
		}
	}
	return n
}

func (c *Consumer) release(n int) {
	for range n {
		<-c.slots
	}
}

// start begins the attempt of a message in the slot that was taken for it. False: it needs none, being held back for
// now or under way already.
func (c *Consumer) start(ctx context.Context, msg jetstream.Msg, s *survey) (bool, error) {
	d, err := c.receive(msg)
	if err != nil {
		return false, fmt.Errorf("fetch from %s: %w", c.config.Name, err)
	}
	if !c.tray.add(d) {
		s.seen = d.consumed
		return false, nil
	}
	if c.order == nil {
		c.underway.Go(func() {
			c.run(d)
			c.release(1)
		})
		return true, nil
	}
	err = s.follow(ctx, d.consumed)
	user := d.user()
	if d = c.admit(user, d); d == nil {
		return false, err
	}
	c.underway.Go(func() {
		c.runLine(user, d)
		c.release(1)
	})
	return true, err
}

// run makes one attempt.
func (c *Consumer) run(d *delivery) (again bool) {
	c.meter.inFlight.Inc()
	defer c.meter.inFlight.Dec()
	began := time.Now()
	again = c.attempt(d.begin(c.work), d)
	d.end()
	c.meter.duration.Observe(time.Since(began).Seconds())
	return again
}

// wait waits, and not longer than ctx.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
