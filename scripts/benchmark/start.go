package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// starts measures the row start: how long forebay takes in an empty folder from its start to the first accepted event.
func (b *benchmark) starts(ctx context.Context) error {
	v := values{}
	for range b.Rounds {
		dir, err := os.MkdirTemp(b.dir, "empty-")
		if err != nil {
			return err
		}
		took, p, err := b.firstAccepted(ctx, dir, setup{ack: "journal"})
		if err != nil {
			return err
		}
		v.add(ours, "start", took.Seconds())
		if err := p.stop(); err != nil {
			return err
		}
	}
	b.note("start", 0, b.base(), v)
	return nil
}

// firstAccepted starts forebay and sends it one delivery.
func (b *benchmark) firstAccepted(ctx context.Context, dir string, s setup) (took time.Duration, p *process, err error) {
	begun := time.Now()
	if p, err = b.forebay(ctx, dir, s); err != nil {
		return 0, nil, err
	}
	one, err := dial(p.at.Webhooks, nativeLogin, b.Sizes[0], "")
	if err != nil {
		return 0, nil, err
	}
	defer one.close()
	if err := one.deliver(begun.Add(startTime)); err != nil {
		return 0, nil, fmt.Errorf("the first delivery: %w", err)
	}
	return time.Since(begun), p, nil
}
