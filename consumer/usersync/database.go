package usersync

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/jackc/pgx/v5/pgxpool"
)

// pruneEvery is how often what is no longer needed is deleted.
const pruneEvery = time.Hour

// A database is the pool of connections, once the tables are there. Whoever needs it first makes it: Handle does not
// depend on Run having come first.
type database struct {
	ready  atomic.Pointer[pgxpool.Pool]
	making chan struct{} // holds one element while the pool is being made
	closed bool          // guarded by making
}

func newDatabase() database { return database{making: make(chan struct{}, 1)} }

var errClosed = errors.New("the job has ended")

// pool connects and migrates, the first time.
func (j *job) pool(ctx context.Context) (*pgxpool.Pool, error) {
	d := &j.database
	if pool := d.ready.Load(); pool != nil {
		return pool, nil
	}
	select {
	case d.making <- struct{}{}:
		defer func() { <-d.making }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for the database: %w", ctx.Err())
	}
	if pool := d.ready.Load(); pool != nil {
		return pool, nil
	}
	if d.closed {
		return nil, errClosed
	}
	pool, err := j.connectAndMigrate(ctx)
	if err != nil {
		return nil, fmt.Errorf("prepare the database: %w", err)
	}
	d.ready.Store(pool)
	return pool, nil
}

func (j *job) connectAndMigrate(ctx context.Context) (*pgxpool.Pool, error) {
	pool, err := pgxpool.NewWithConfig(ctx, j.connect)
	if err != nil {
		return nil, err
	}
	if err := j.migrate(ctx, pool); err != nil {
		pool.Close()
		return nil, err
	}
	return pool, nil
}

// Run brings the tables up to date as soon as the database is there, deletes what is no longer needed, and closes the
// connections when ctx ends.
func (j *job) Run(ctx context.Context) error {
	defer j.close()
	policy := backoff.NewExponentialBackOff(backoff.WithMaxInterval(time.Minute), backoff.WithMaxElapsedTime(0))
	pool, err := backoff.RetryNotifyWithData(func() (*pgxpool.Pool, error) { return j.pool(ctx) },
		backoff.WithContext(policy, ctx), func(err error, _ time.Duration) {
			j.log.WarnContext(ctx, "the database is not ready; events wait for it by the retry schedule", "err", err)
		})
	if err != nil {
		return nil // ctx has ended
	}
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		if err := j.prune(ctx, pool); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "cannot delete old rows", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// prune deletes the IDs of events, and tokens, that are older than Options.Keep.
func (j *job) prune(ctx context.Context, pool *pgxpool.Pool) error {
	before := j.now().Add(-j.options.Keep)
	_, err := pool.Exec(ctx, j.sql(`DELETE FROM {schema}.applied_events WHERE applied_at < $1`), before)
	if err != nil {
		return fmt.Errorf("delete IDs of events: %w", err)
	}
	_, err = pool.Exec(ctx, j.sql(`DELETE FROM {schema}.reset_tokens WHERE greatest(expires_at, used_at) < $1`), before)
	if err != nil {
		return fmt.Errorf("delete reset tokens: %w", err)
	}
	return nil
}

// close waits for what is under way.
func (j *job) close() {
	j.database.making <- struct{}{}
	defer func() { <-j.database.making }()
	j.database.closed = true
	if pool := j.database.ready.Swap(nil); pool != nil {
		pool.Close()
	}
}
