package consumer_test

import (
	"testing"

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
