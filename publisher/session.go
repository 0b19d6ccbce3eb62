package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/publisher/journal"
)

var errNotConnected = errors.New("not connected yet")

// run is one session after the other, with a growing pause while none of them gets anything published.
func (s *stream) run(ctx context.Context) error {
	if err := s.config.Journal.Wait(ctx); err != nil {
		if ctx.Err() != nil || errors.Is(err, journal.ErrClosed) {
			return nil // while it waited for space to open
		}
		return err
	}
	if err := s.restore(); err != nil {
		return err
	}
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		answers := s.answers.Load()
		err := s.session(ctx)
		if ctx.Err() != nil {
			break
		}
		s.report(err)
		if s.answers.Load() > answers {
			wait.Reset()
		}
		sleep(ctx, wait.NextBackOff())
	}
	return nil
}

// session is the life of one connection: what does the stream hold, then publish the rest.
func (s *stream) session(ctx context.Context) error {
	nc, err := s.config.Dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if err := s.config.Prepare(ctx, js, s.name); err != nil {
		return err
	}
	if err := s.reconcile(ctx, js, nc.ConnectedServerId()); err != nil {
		return err
	}
	s.problem.Store(nil)
	return s.publish(ctx, nc, js)
}

// publish publishes all lines, guards them, and returns when the first of these ends.
func (s *stream) publish(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := []func() error{func() error { return s.guard(ctx, js) }}
	for _, l := range s.lines {
		jobs = append(jobs, func() error { return l.publish(ctx, nc) })
	}
	ended := make(chan error, len(jobs))
	for _, job := range jobs {
		go func() { ended <- job() }()
	}
	err := <-ended
	cancel()
	for range jobs[1:] {
		<-ended
	}
	return err
}

// report tells why a session ended.
func (s *stream) report(err error) {
	err = fmt.Errorf("publishing to stream %s: %w", s.name, err)
	s.problem.Store(&err)
	s.metrics.interrupted.Inc()
	s.config.Log.Warn("publishing interrupted", "err", err)
	if errors.Is(err, errSilent) && s.config.Silent != nil {
		s.config.Silent()
	}
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
