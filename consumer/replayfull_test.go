package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
)

// The stream takes only some of the copies: the run says so at once, and gives the others when it is resumed.
func TestReplayIntoAFullStream(t *testing.T) {
	w := newWorld(t)
	const n = 600
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), "42") })
	w.declare(consumer.Config{Name: "sync", New: true})
	stream, err := w.js.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	limit := func(messages int64) {
		t.Helper()
		c := stream.CachedInfo().Config
		c.MaxMsgs, c.Discard = messages, jetstream.DiscardNew
		if _, err := w.js.UpdateStream(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	limit(n + 10)
	r := consumer.Replay{JS: w.js, Stream: w.stream, Consumer: "sync"}
	p, err := r.Run(t.Context())
	if err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want what the stream says", err)
	}
	w.lag("sync", 10)
	limit(-1)
	w.forget("IDENTITY")
	r.Resume = p.Run
	if p, err = r.Run(t.Context()); err != nil || p.Given != n {
		t.Errorf("resumed: %+v, %v", p, err)
	}
	w.lag("sync", n)
}
