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
func settle(ctx context.Context, url string, accepted, sent uint64) (took time.Duration, err error) {
	if url == "" {
		return 0, nil
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	js, err := connect(url)
	if err != nil {
		return 0, err
	}
	defer js.Conn().Close()
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

// connect gives the JetStream of a connection of its own.
func connect(url string) (jetstream.JetStream, error) {
	nc, err := nats.Connect(url)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", url, err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
	}
	return js, err
}

// awaitStream waits until the stream exists.
func awaitStream(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, error) {
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		stream, err := js.Stream(ctx, streamName)
		if err == nil {
			return stream, nil
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("stream %s: %w", streamName, err)
		}
	}
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
