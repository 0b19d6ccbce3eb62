package cache

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/forebayhq/forebay/consumer"
)

// batch is how many keys one round trip looks at or drops.
const batch = 1000

// unlink drops keys. One command a key: in a cluster they live in different places.
func (j *job) unlink(ctx context.Context, client redis.UniversalClient, keys []string) error {
	replies, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, key := range keys {
			p.Unlink(ctx, key)
		}
		return nil
	})
	for _, reply := range replies {
		if n, ok := reply.(*redis.IntCmd); ok {
			j.dropped.Add(float64(n.Val()))
		}
	}
	return err
}

// forget is what cache.reset asks for.
func (j *job) forget(ctx context.Context, client redis.UniversalClient) error {
	switch {
	case j.reset.Generation != "":
		return j.bump(ctx, client)
	case j.reset.Prefix != "":
		return j.sweep(ctx, client)
	}
	return consumer.Permanent(errors.New("cache.reset: neither reset.prefix nor reset.generation is configured"))
}

func (j *job) bump(ctx context.Context, client redis.UniversalClient) error {
	err := client.Incr(ctx, j.prefix+j.reset.Generation).Err()
	if err == nil {
		return nil
	}
	err = fmt.Errorf("raise the generation: %w", err)
	if text := err.Error(); strings.Contains(text, "WRONGTYPE") || strings.Contains(text, "not an integer") {
		return consumer.Permanent(err)
	}
	return err
}

// sweep drops all keys with the prefix. A failure on the way leaves the rest to the next attempt.
func (j *job) sweep(ctx context.Context, client redis.UniversalClient) error {
	if err := j.scanAll(ctx, client); err != nil {
		return fmt.Errorf("drop the keys of reset.prefix: %w", err)
	}
	return nil
}

func (j *job) scanAll(ctx context.Context, client redis.UniversalClient) error {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		return j.scan(ctx, client, client)
	}
	return cluster.ForEachMaster(ctx, func(ctx context.Context, master *redis.Client) error {
		return j.scan(ctx, master, client)
	})
}

// scan looks for keys at one server and drops them through client, which knows where a key went that is on the move.
func (j *job) scan(ctx context.Context, at redis.Cmdable, client redis.UniversalClient) error {
	pattern := literal.Replace(j.prefix+j.reset.Prefix) + "*"
	for cursor := uint64(0); ; {
		keys, next, err := at.Scan(ctx, cursor, pattern, batch).Result()
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			if err := j.unlink(ctx, client, keys); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		cursor = next
	}
}

// literal escapes what would mean something in a pattern of SCAN.
var literal = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`, `]`, `\]`, `^`, `\^`)

func withPrefix(prefix string, keys []string) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = prefix + key
	}
	return all
}
