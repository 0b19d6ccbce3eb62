// Package consumer is the way out: it hands the events of the stream to a handler, one attempt after another, by a
// schedule that the server keeps. Begin with attempt.
//
// A program of your own needs three calls: [New] with a [Config], [Consumer.Run], and a [Handler] that returns a verdict.
// Events that end without success become dead letters, whatever client handled them: see [DeadLetters]. They are given
// back by [Redrive], and the past is given again by [Replay].
package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"
)

// A Handler does with one event what its consumer is for. What it returns is the verdict: nil acknowledges; an error
// means another attempt, by the schedule; [Permanent] and [After] say otherwise. The text of an error may end up in a log
// and in a dead letter, so it holds no secret.
//
// The context ends when the attempt has taken Config.Timeout, and at a hard stop. The server may hand an event over
// again although a handler was done with it, as when its program was killed before the answer: handlers bear repetition.
type Handler func(context.Context, *Message) error

// Config is what a Consumer is made of. Name, Stream and, to run one, Handler are required.
type Config struct {
	Name    string   // of the durable: "otp"
	Stream  Stream   // where the events are
	Actions []string // patterns: "otp.requested", "user.*", "*"; none: "*"

	// Retry says how long after an attempt the next one comes, step by step; the last step repeats. It counts from the
	// hand-over, or from the last sign of life of work that takes long. None: 1s, 5s, 30s, 2m.
	Retry       []time.Duration
	MaxAttempts int           // after so many without success an event is a dead letter; 0: 6
	MaxAge      time.Duration // an older event is not handed over, but a dead letter; 0: any age will do

	Parallel  int           // attempts at a time; 0: 16
	Pending   int           // events that may be under way, waiting for their next attempt included; 0: 4096
	OrderedBy string        // "", or OrderedByUser
	New       bool          // a durable that is created begins with what comes from now on, not with what the stream holds
	Timeout   time.Duration // of one attempt; 0: 30s
	// Grace is how long attempts under way may go on at a stop, before their contexts end. 0: as long as they may take
	// anyway, which is Timeout, but 30s at most: what is broken off in the middle may be in doubt.
	Grace time.Duration

	Handler Handler
	Now     func() time.Time // nil: time.Now
	Log     *slog.Logger     // nil: nothing is logged
	Metrics *Metrics         // of NewMetrics, shared by all consumers; nil: nothing is counted
	Tracer  trace.Tracer     // of a span for each attempt; nil: none

	Failures *Failures // keeps the last failure, shared by all consumers; nil: none is kept
}

// OrderedByUser makes the events of one user come one at a time, in the order of the stream, over retries too, while
// other users go on. It holds within one running Consumer: run one per durable.
const OrderedByUser = "user"

// A Consumer runs a handler. Make one with [New].
type Consumer struct {
	config Config
	js     jetstream.JetStream
	log    *slog.Logger
	meter  meter
	quiet  [verdicts]rate.Sometimes // spaces log lines

	asking    context.Context // of the fetching: ends at a soft stop
	work      context.Context // of the attempts: ends at a hard stop
	slots     chan struct{}   // one for each attempt at a time
	extra     chan struct{}   // the same, for attempts that no fetch brought
	abandoned chan struct{}   // one for each handler that was left behind
	underway  sync.WaitGroup
	tray      *tray
	order     *order // nil: in any order
	said      map[string]bool
}

// New makes a Consumer. It asks nothing of the server yet.
func New(js jetstream.JetStream, config Config) (*Consumer, error) {
	config = config.complete()
	if err := errors.Join(config.Check(), config.Stream.check()); err != nil {
		return nil, err
	}
	if config.Handler == nil {
		return nil, fmt.Errorf("consumer %s: no handler", config.Name)
	}
	c := &Consumer{
		config: config, js: js, log: config.Log.With("consumer", config.Name), meter: config.Metrics.of(config.Name),
		slots: make(chan struct{}, config.Parallel), extra: make(chan struct{}, config.Parallel),
		abandoned: make(chan struct{}, config.Parallel),
		tray:      newTray(), said: map[string]bool{},
	}
	for v := range c.quiet {
		c.quiet[v] = rate.Sometimes{First: 10, Interval: time.Second}
	}
	if config.OrderedBy == OrderedByUser {
		c.order = &order{lines: map[string]*line{}}
	}
	return c, nil
}

// attempt is the way out: it hands one event to the handler once, and answers the server. The step that fails decides
// the verdict. It reports whether the server is going to hand the event over again.
func (c *Consumer) attempt(ctx context.Context, d *delivery) (again bool) {
	m, err := d.read()
	if err != nil {
		return d.bury(unreadable, err)
	}
	if c.expired(m) || d.lapsed(0) {
		return d.bury(expired, errExpired)
	}
	err = c.handle(ctx, m, d.life)
	if err == nil {
		return d.ack()
	}
	if errors.As(err, new(permanentError)) {
		return d.bury(permanent, err)
	}
	if d.last() {
		return d.bury(exhausted, err)
	}
	pause, asked := d.pause(err)
	switch {
	case d.lapsed(pause):
		return d.bury(expired, fmt.Errorf("%w: %w", errLapsing, err))
	case asked:
		return d.postpone(pause, err)
	}
	return d.leave(err)
}
