// Package cache is the job that drops what other programs have cached about users, sessions and tokens: keys in Redis,
// and pages behind an HTTP cache.
//
// Keys come from templates, per action. Without any it drops what SSOfy's reference client keeps of an access token, so
//
//	cache: {url: "redis://127.0.0.1:6379/0"}
//
// is all that SSOfy's token_deleted and safety_reset need. Where that client's framework puts a prefix in front of its
// keys, as Laravel does, say so in prefix.
//
// # Templates
//
// A template is text/template over the event's JSON as it lies in the stream, names as in the schema:
//
//	user:{{.user.id}}
//	session:{{.session.id}}
//
// Each line that it yields is a key, so {{range}} yields several. A key is an exact name: nothing in it is a pattern.
// Where the event lacks a value, or has an empty one, the template yields nothing for this event. Only text, numbers and
// truth values can be part of a key. A sealed value is opened if the private key is here; without it the event is a
// dead letter, because a key needs the readable value. (A token that was revoked is no secret and never sealed.)
//
// # Guarantees
//
// Dropping is repeatable and has no order, so repeated and late events do no harm. A program that read its source before
// the event and writes its cache afterwards puts the old value back: keep lifetimes on keys.
package cache

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// cacheReset is the command to forget everything that is cached.
const cacheReset schema.Action = "cache.reset"

type job struct {
	connect *redis.UniversalOptions
	keys    rules
	purges  rules
	headers map[string]string
	prefix  string
	reset   Reset
	http    *http.Client
	log     *slog.Logger
	dropped prometheus.Counter // keys that were there

	mu     sync.Mutex
	client redis.UniversalClient // made when it is first needed
	closed bool
}

// New makes the job.
func New(c consumer.JobConfig) (consumer.Job, error) {
	j, err := newJob(c.Complete())
	if err != nil {
		return nil, fmt.Errorf("cache: %w", err)
	}
	return j, nil
}

func newJob(c consumer.JobConfig) (*job, error) {
	var o Options
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	o = o.complete()
	connect, err := o.connection()
	if err != nil {
		return nil, err
	}
	if err := o.Reset.check(o.Prefix); err != nil {
		return nil, err
	}
	j := &job{
		connect: connect, headers: o.PurgeHeaders, prefix: o.Prefix, reset: o.Reset, http: newHTTPClient(), log: c.Log,
	}
	if j.keys, err = compileKeys(o.Keys, c.Open); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if j.purges, err = compileURLs(o.Purge, c.Open); err != nil {
		return nil, fmt.Errorf("purge: %w", err)
	}
	if j.dropped, err = counter(c); err != nil {
		return nil, err
	}
	return j, nil
}

// Handle drops what the event makes stale: first in Redis, then the pages that would be made from there again.
func (j *job) Handle(ctx context.Context, m *consumer.Message) error {
	event, err := decode(m.Body)
	if err != nil {
		return consumer.Permanent(err)
	}
	keys, err := j.keys.yield(m.Event.Action, event)
	if err != nil {
		return consumer.Permanent(fmt.Errorf("make keys: %w", err))
	}
	urls, err := j.purges.yield(m.Event.Action, event)
	if err != nil {
		return consumer.Permanent(fmt.Errorf("make URLs: %w", err))
	}
	if err := j.drop(ctx, m.Event.Action, keys); err != nil {
		return err
	}
	return j.purge(ctx, urls)
}

// drop is the part of Redis.
func (j *job) drop(ctx context.Context, a schema.Action, keys []string) error {
	if len(keys) == 0 && a != cacheReset {
		return nil
	}
	client, err := j.redis()
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		if err := j.unlink(ctx, client, withPrefix(j.prefix, keys)); err != nil {
			return fmt.Errorf("drop keys: %w", err)
		}
	}
	if a == cacheReset {
		return j.forget(ctx, client)
	}
	return nil
}

// Run looks once whether Redis answers, to say so early, and closes the connections when ctx ends.
func (j *job) Run(ctx context.Context) error {
	if client, err := j.redis(); err == nil {
		if err := client.Ping(ctx).Err(); err != nil && ctx.Err() == nil {
			j.log.WarnContext(ctx, "redis does not answer; events wait for it by the retry schedule", "err", err)
		}
	}
	<-ctx.Done()
	return j.close()
}

func (j *job) redis() (redis.UniversalClient, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return nil, errors.New("the job has ended")
	}
	if j.client == nil {
		j.client = redis.NewUniversalClient(j.connect)
	}
	return j.client, nil
}

func (j *job) close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	j.http.CloseIdleConnections()
	if j.client == nil {
		return nil
	}
	if err := j.client.Close(); err != nil {
		return fmt.Errorf("cache: close connections to Redis: %w", err)
	}
	return nil
}

// decode reads an event for templates. Numbers keep their text.
func decode(body []byte) (event map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&event) != nil { // its error may quote the body
		return nil, errors.New("the message is no JSON object")
	}
	return event, nil
}

// counter registers the job's metric, or finds it: several jobs share it, and a reload makes a job again.
func counter(c consumer.JobConfig) (prometheus.Counter, error) {
	all := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "forebay_cache_keys_dropped_total", Help: "Keys that cache jobs found and dropped, by consumer.",
	}, []string{"consumer"})
	if c.Metrics != nil {
		err := c.Metrics.Register(all)
		if known := (prometheus.AlreadyRegisteredError{}); errors.As(err, &known) {
			all, err = known.ExistingCollector.(*prometheus.CounterVec), nil
		}
		if err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return all.WithLabelValues(c.Consumer), nil
}
