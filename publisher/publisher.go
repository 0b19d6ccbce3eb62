// Package publisher brings what the journal holds to the stream: lane by lane, in order, once, and again if the stream
// turns out to have forgotten it.
//
// A connection is used for one session. A session first finds out what the stream holds of the journal, then publishes
// what it does not, and ends with the first thing that goes wrong: nothing is ever sent on a connection behind something
// that was lost on it. The next session starts from what was acknowledged. Begin with stream.session.
package publisher

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

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
	// Prepare makes sure that a stream exists. It is called at the start of every session.
	Prepare func(ctx context.Context, js jetstream.JetStream, stream string) error
	// Silent is called when a stream stopped answering on a connection that stands; nil: nothing can be done.
	Silent func()

	Stream     string // IDENTITY
	Quarantine string // IDENTITY_QUARANTINE
	Prefix     string // identity: of the subjects of the first; those of the second begin with identity-quarantine

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
	p.metrics = newMetrics(c.Metrics, p)
	p.streams = []*stream{
		newStream(c, p.metrics, c.Stream, c.Prefix, journal.Urgent, journal.Normal),
		newStream(c, p.metrics, c.Quarantine, c.Prefix+"-quarantine", journal.Quarantine),
	}
	return p
}

// SetRules replaces the rules; what is in the journal keeps its lane.
func (p *Publisher) SetRules(r Rules) {
	urgent := make(map[schema.Action]bool, len(r.Urgent))
	for _, a := range r.Urgent {
		urgent[a] = true
	}
	longest := r.Dedupe
	for _, h := range r.Horizon {
		longest = max(longest, h)
	}
	p.config.Journal.Remember(longest)
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

// Run publishes until ctx ends. It returns an error only when going on is pointless. The streams go their own ways:
// trouble with one does not stop the other.
func (p *Publisher) Run(ctx context.Context) error {
	ended := make(chan error, len(p.streams))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for _, s := range p.streams {
		go func() { ended <- s.run(ctx) }()
	}
	var errs error
	for range p.streams {
		if err := <-ended; err != nil {
			errs = errors.Join(errs, err)
			cancel()
		}
	}
	return errs
}

// Problem says why nothing is published now, or nil.
func (p *Publisher) Problem() (err error) {
	for _, s := range p.streams {
		if problem := s.problem.Load(); problem != nil {
			err = errors.Join(err, *problem)
		}
	}
	return err
}
