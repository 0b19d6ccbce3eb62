// Package publisher brings what the journal holds to the stream: lane by lane, in order, once, and again if the stream
// turns out to have forgotten it.
//
// A connection is used for one session. A session first finds out what the stream holds of the journal, then publishes
// what it does not, and ends with the first thing that goes wrong: nothing is ever sent on a connection behind something
// that was lost on it. The next session starts from what was acknowledged.
package publisher

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// Config is what a publisher works between, and by which rules.
type Config struct {
	Journal *journal.Journal

	// Dial makes a connection that does not reconnect by itself.
	Dial func() (*nats.Conn, error)
	// Prepare makes sure that the streams exist. It is called at the start of every session.
	Prepare func(context.Context, jetstream.JetStream) error
	// Silent is called when the stream stopped answering on a connection that stands; nil: nothing can be done.
	Silent func()

	Stream     string // IDENTITY
	Quarantine string // IDENTITY_QUARANTINE

	Guard   time.Duration // how long an event stays in the journal after the stream acknowledged it
	Now     func() time.Time
	Log     *slog.Logger
	Metrics prometheus.Registerer
}

// Rules may change while the publisher runs.
type Rules struct {
	Urgent  []schema.Action
	Dedupe  time.Duration            // the horizon of every source
	Horizon map[string]time.Duration // of the sources that have their own
}

// A Publisher stores messages in its journal and, while Run runs, publishes them.
type Publisher struct {
	config  Config
	rules   atomic.Pointer[rules]
	streams []*stream
	metrics *metrics
	problem atomic.Pointer[string] // why nothing is published now
}

type rules struct {
	urgent  map[schema.Action]bool
	dedupe  time.Duration
	horizon map[string]time.Duration
}

// New makes a publisher. Store works at once, and publishing begins with Run.
func New(c Config, r Rules) *Publisher {
	p := &Publisher{config: c}
	p.SetRules(r)
	p.streams = []*stream{
		newStream(c, c.Stream, journal.Urgent, journal.Normal),
		newStream(c, c.Quarantine, journal.Quarantine),
	}
	p.metrics = newMetrics(c.Metrics, p)
	for _, s := range p.streams {
		s.metrics = p.metrics
	}
	p.setProblem(errNotConnected)
	return p
}

// SetRules replaces the rules; what is in the journal keeps its lane.
func (p *Publisher) SetRules(r Rules) {
	urgent := make(map[schema.Action]bool, len(r.Urgent))
	for _, a := range r.Urgent {
		urgent[a] = true
	}
	p.rules.Store(&rules{urgent: urgent, dedupe: r.Dedupe, horizon: r.Horizon})
}

// Store flushes the messages of one delivery to the journal.
func (p *Publisher) Store(ctx context.Context, messages []schema.Message) (schema.Receipt, error) {
	rules := p.rules.Load()
	entries := make([]journal.Entry, len(messages))
	for i, m := range messages {
		entries[i] = journal.Entry{Lane: rules.lane(m), Horizon: rules.horizonOf(m.Source), Message: m}
	}
	duplicates, err := p.config.Journal.Append(ctx, entries)
	return schema.Receipt{Stored: schema.StoredJournal, Duplicates: duplicates}, err
}

func (r *rules) lane(m schema.Message) journal.Lane {
	switch {
	case m.Action == "":
		return journal.Quarantine // only what could not be read has no action
	case r.urgent[m.Action]:
		return journal.Urgent
	default:
		return journal.Normal
	}
}

func (r *rules) horizonOf(source string) time.Duration {
	if h, ok := r.horizon[source]; ok {
		return h
	}
	return r.dedupe
}

// Run publishes until ctx ends. It returns an error only when going on is pointless.
func (p *Publisher) Run(ctx context.Context) error {
	if err := p.restore(); err != nil {
		if errors.Is(err, journal.ErrClosed) {
			return nil // while it waited for space to open
		}
		return err
	}
	wait := backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(50*time.Millisecond), backoff.WithMaxInterval(2*time.Second), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		err := p.session(ctx, wait.Reset)
		if ctx.Err() != nil {
			break
		}
		p.setProblem(err)
		p.metrics.interrupted.Inc()
		p.config.Log.Warn("publishing interrupted", "err", err)
		if errors.Is(err, errSilent) && p.config.Silent != nil {
			p.config.Silent()
		}
		sleep(ctx, wait.NextBackOff())
	}
	return nil
}

// restore starts every lane at the oldest record that the journal kept: the guard window is offered again.
func (p *Publisher) restore() error {
	for _, s := range p.streams {
		if err := s.restore(); err != nil {
			return err
		}
	}
	return nil
}

// session is the life of one connection: what does the stream hold, then publish the rest.
func (p *Publisher) session(ctx context.Context, connected func()) error {
	nc, err := p.config.Dial()
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(4*window))
	if err != nil {
		return err
	}
	if err := p.config.Prepare(ctx, js); err != nil {
		return err
	}
	for _, s := range p.streams {
		if err := s.reconcile(ctx, js, nc.ConnectedServerId()); err != nil {
			return err
		}
	}
	connected()
	p.setProblem(nil)
	return p.run(ctx, js)
}

// run publishes all lanes, guards them, and returns when the first of these ends.
func (p *Publisher) run(ctx context.Context, js jetstream.JetStream) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	jobs := []func() error{func() error { return p.guardLoop(ctx, js) }}
	for _, s := range p.streams {
		for _, l := range s.lines {
			jobs = append(jobs, func() error { return l.publish(ctx, js) })
		}
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

// Problem says why nothing is published now, or nil.
func (p *Publisher) Problem() error {
	if text := p.problem.Load(); text != nil {
		return errors.New(*text)
	}
	return nil
}

func (p *Publisher) setProblem(err error) {
	if err == nil {
		p.problem.Store(nil)
		return
	}
	text := err.Error()
	p.problem.Store(&text)
}

var errNotConnected = errors.New("not connected yet")

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
