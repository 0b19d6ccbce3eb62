// Package usersync is the job that keeps a table of users in PostgreSQL in step with the providers. Applications read
// it with plain SQL: docs/usersync.md tells what is in it.
//
// Every value of a row remembers the event that it comes from, and only a newer event changes it. So events may come
// late, twice or in any order, and the row ends up the same. An event is applied in one transaction that also notes
// its ID.
//
// Passwords are opened with the private key and stored as argon2id; nothing else of them is kept.
package usersync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/consumer"
)

type job struct {
	consumer string
	options  Options
	connect  *pgxpool.Config
	schema   string // quoted
	open     func(sealed string) ([]byte, error)
	now      func() time.Time
	log      *slog.Logger
	events   *prometheus.CounterVec // consumer, result
	database database
}

// New makes the job.
func New(c consumer.JobConfig) (consumer.Job, error) {
	j, err := newJob(c.Complete())
	if err != nil {
		return nil, fmt.Errorf("usersync: %w", err)
	}
	return j, nil
}

func newJob(c consumer.JobConfig) (*job, error) {
	var o Options
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	o = o.complete()
	if err := o.check(); err != nil {
		return nil, err
	}
	connect, err := o.connection()
	if err != nil {
		return nil, err
	}
	events, err := counter(c.Metrics)
	if err != nil {
		return nil, err
	}
	return &job{
		consumer: c.Consumer, options: o, connect: connect, schema: pgx.Identifier{o.Schema}.Sanitize(), open: c.Open,
		now: c.Now, log: c.Log, events: events, database: newDatabase(),
	}, nil
}

// Handle brings the table up to date with one event.
func (j *job) Handle(ctx context.Context, m *consumer.Message) error {
	changes, err := j.read(m)
	if err != nil {
		return consumer.Permanent(err)
	}
	if len(changes) == 0 {
		j.count(ignored)
		return nil
	}
	pool, err := j.pool(ctx)
	if err != nil {
		return err
	}
	result, err := j.apply(ctx, pool, m, changes)
	if err != nil {
		return verdict(err)
	}
	j.count(result)
	return nil
}

// What became of an event, as a label of the metric.
const (
	applied  = "applied"
	repeated = "repeated" // it had been applied before
	ignored  = "ignored"  // its action does not concern the table, it tells of a failure, or of nothing but a password that is ignored
)

func (j *job) count(result string) { j.events.WithLabelValues(j.consumer, result).Inc() }

// counter registers the job's metric, or finds it: several jobs share it, and a reload makes a job again.
func counter(r prometheus.Registerer) (*prometheus.CounterVec, error) {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "forebay_usersync_events_total", Help: "Events that usersync jobs applied, found repeated, or ignored.",
	}, []string{"consumer", "result"})
	if r == nil {
		return all, nil
	}
	err := r.Register(all)
	if known := (prometheus.AlreadyRegisteredError{}); errors.As(err, &known) {
		return known.ExistingCollector.(*prometheus.CounterVec), nil
	}
	if err != nil {
		return nil, fmt.Errorf("register metrics: %w", err)
	}
	return all, nil
}
