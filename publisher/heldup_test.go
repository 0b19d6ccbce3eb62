package publisher

import (
	"testing"
	"time"
)

// A code that was held up until its life was over reaches the stream for long enough that consumers make a dead letter of
// it. One that was never to live so long does not live longer than that.
func TestCodeThatWaitedTooLongIsSeen(t *testing.T) {
	r := newRig(t, time.Hour)
	r.server.Stop()
	accepted := time.Now()
	r.store(mortal("late", "10m0s"))
	r.store(mortal("short", "20s"))
	r.stop()
	r.now = func() time.Time { return accepted.Add(11 * time.Minute) }
	r.server.Start()
	r.start()
	r.waitIdle()
	stream, err := r.server.JetStream(t).Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatal(err)
	}
	for seq, want := range map[uint64]string{1: "1m0s", 2: "20s"} {
		m, err := stream.GetMsg(t.Context(), seq)
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Header.Get("Nats-TTL"); got != want {
			t.Errorf("message %d: Nats-TTL %s, want %s", seq, got, want)
		}
	}
}
