package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// errMissing says that an answer was a lie.
var errMissing = errors.New("accepted events are missing from the stream")

// settle waits until the stream holds every accepted event, and gives the time that it took. It must never hold more
// than was sent. A contestant without a stream has settled.
func (p *process) settle(ctx context.Context, accepted, sent uint64) (took time.Duration, err error) {
	if p.at.NATS == "" {
		return 0, nil
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	nc, err := nats.Connect(p.at.NATS)
	if err != nil {
		return 0, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return 0, err
	}
	stream, err := js.Stream(ctx, streamName)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", streamName, err)
	}
	held, err := waitFor(ctx, stream, accepted)
	switch {
	case err != nil:
		return 0, fmt.Errorf("%w: %d of %d after %s: %w", errMissing, held, accepted, time.Since(begun), err)
	case held > sent:
		return 0, fmt.Errorf("stream %s holds %d events, and %d were sent", streamName, held, sent)
	}
	return time.Since(begun), nil
}

// waitFor looks at a stream until it holds so many messages.
func waitFor(ctx context.Context, stream jetstream.Stream, want uint64) (held uint64, err error) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		info, err := stream.Info(ctx)
		if err != nil {
			return held, err
		}
		if held = info.State.Msgs; held >= want {
			return held, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return held, ctx.Err()
		}
	}
}
