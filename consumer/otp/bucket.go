package otp

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A bucket is a KV bucket that is opened, and made if need be, when it is first used.
type bucket struct {
	js       func(context.Context) (jetstream.JetStream, error)
	name     string
	ttl      time.Duration // of what lies in it, from its last change
	replicas int

	mu sync.Mutex
	kv jetstream.KeyValue // nil: not yet
}

func (b *bucket) open(ctx context.Context) (jetstream.KeyValue, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kv != nil {
		return b.kv, nil
	}
	js, err := b.js(ctx)
	if err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", b.name, err)
	}
	if b.kv, err = b.ensure(ctx, js); err != nil {
		return nil, fmt.Errorf("open bucket %s: %w", b.name, err)
	}
	return b.kv, nil
}

// ensure leaves a bucket as it is that keeps things long enough: an operator may have other plans for it.
func (b *bucket) ensure(ctx context.Context, js jetstream.JetStream) (jetstream.KeyValue, error) {
	kv, err := js.KeyValue(ctx, b.name)
	if err == nil {
		status, err := kv.Status(ctx)
		if err != nil {
			return nil, err
		}
		if status.TTL() == 0 || status.TTL() >= b.ttl {
			return kv, nil
		}
	} else if !errors.Is(err, jetstream.ErrBucketNotFound) {
		return nil, err
	}
	return js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: b.name, Description: "One-time codes of Forebay", TTL: b.ttl, Replicas: b.replicas,
	})
}

// forget makes the next use open the bucket anew: it may be gone, as after a broker was replaced by an empty one.
func (b *bucket) forget(err error) {
	gone := errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, jetstream.ErrStreamNotFound) ||
		errors.Is(err, nats.ErrNoResponders)
	if !gone {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.kv = nil
}
