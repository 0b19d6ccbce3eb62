package consumer_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/consumer"
)

// Reading a stream leaves nothing behind on the server, which takes a limited number of consumers.
func TestReadersAreRemoved(t *testing.T) {
	w := newWorld(t)
	w.letters()
	w.publish("user.created", "one", "42")
	for range 3 {
		w.list(consumer.DeadFilter{})
		for _, limit := range []uint64{0, 1} {
			err := consumer.Select(t.Context(), w.js, w.stream, consumer.Selector{ToSeq: limit}, func(consumer.Stored) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{"IDENTITY", "IDENTITY_DEAD"} {
		stream, err := w.js.Stream(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Consumers; n != 0 {
			t.Errorf("%s has %d consumers, want none", name, n)
		}
	}
}

// What was to come next is deleted while a stream is read: the reading ends, for nothing else comes.
func TestReadingEndsWhereMessagesGoAway(t *testing.T) {
	w := newWorld(t)
	const n = 2000 // more than a client asks for ahead
	w.publishMany(n, func(i int) *nats.Msg { return message(t, "user.updated", fmt.Sprint(i), "42") })
	stream, err := w.js.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seen := 0
	err = consumer.Select(ctx, w.js, w.stream, consumer.Selector{}, func(consumer.Stored) error {
		if seen++; seen > 1 {
			return nil
		}
		return stream.Purge(ctx)
	})
	if err != nil || seen == n {
		t.Errorf("%v after %d of %d events, of which the last were deleted", err, seen, n)
	}
}
