package consumer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"
)

// patience is how long a handler may take to return once its context has ended.
const patience = time.Second

var (
	errHung   = errors.New("the handler did not return in time")
	errExited = errors.New("the handler ended its goroutine")
)

// expired reports whether an event is too old to be handed over. Of the provider's time and ours the earlier counts.
func (c *Consumer) expired(m *Message) bool {
	if c.config.MaxAge == 0 {
		return false
	}
	born := m.Event.Time
	if m.Event.Received.Before(born) {
		born = m.Event.Received
	}
	return c.config.Now().Sub(born) > c.config.MaxAge
}

// handle calls the handler, bounded in time. A panic is an error like any other. A handler that does not return even
// though its context has ended is left behind, as long as there are not more of them than attempts at a time.
func (c *Consumer) handle(ctx context.Context, m *Message, l life) error {
	ctx, cancel := context.WithTimeout(ctx, l.bound(c.config.Now(), c.config.Timeout))
	defer cancel()
	done := make(chan error, 1)
	go c.call(ctx, m, done)
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
	}
	select {
	case err := <-done:
		return err
	case c.abandoned <- struct{}{}:
		c.meter.abandoned.Inc()
		go func() {
			<-done
			c.meter.abandoned.Dec()
			<-c.abandoned
		}()
		return errHung
	}
}

func (c *Consumer) call(ctx context.Context, m *Message, done chan<- error) {
	err := errExited
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the handler panicked: %v", r)
			c.log.Error("the handler panicked", "seq", m.Seq, "attempt", m.Attempt, "err", err, "stack", string(debug.Stack()))
		}
		done <- err
	}()
	err = c.config.Handler(ctx, m)
}
