package main

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// Many events are replayed to one consumer, by a command that is interrupted once with SIGINT and once with SIGKILL and
// resumed each time: the consumer gets each once, and no other consumer gets any.
func TestReplayMany(t *testing.T) {
	n := setting(t, "FOREBAY_REPLAY_EVENTS", 6000, strconv.Atoi)
	nats := brokertest.Start(t)
	// What the server itself knows of repeated messages must not be what makes it work.
	d := newDaemon(t, externalYAML(nats.URL, "off")+"stream: {duplicate_window: 500ms}\njournal: {guard: 500ms}\nconsumers:\n  fresh: {actions: [user.deleted]}\n  audit: {}\n")
	d.run(t)
	fresh, audit := durableOf(t, nats, "fresh"), durableOf(t, nats, "audit")
	publishMany(t, nats.JetStream(t), n)

	began := time.Now()
	pace := fmt.Sprintf("%d/s", max(n/3, 1)) // so that there is time to interrupt it
	for i, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		args := []string{"replay", "--consumer", "fresh", "--action", "*", "--rate", pace} // more than it asks for
		if i > 0 {
			args = []string{"replay", "--run", "last", "--rate", pace}
		}
		d.interrupt(t, fresh, uint64(n*(i+1)/3), end, args...)
		<-time.After(time.Second) // past the duplicate window
	}
	last := rows[consumer.Progress](t, d.forebay(t, "replay", "--run", "last", "--json"))
	took := time.Since(began)
	check(t, wantCount(last, 1))
	if last[0].Given != uint64(n) || last[0].Lapsed != 0 {
		t.Errorf("the last of three says %+v, want %d given", last[0], n)
	}
	began = time.Now()
	wantEachOnce(t, fresh, n)
	t.Logf("%d events replayed in %s, interrupted twice, and taken in %s", n, took.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	info, err := audit.Info(t.Context())
	check(t, err)
	if info.NumPending != uint64(n) || info.Delivered.Consumer != 0 {
		t.Errorf("audit has %d waiting and was given %d, want %d and 0", info.NumPending, info.Delivered.Consumer, n)
	}
	if _, stderr, code := call(t, "--config", d.config(), "replay", "--run", "last"); code != exitFailed {
		t.Errorf("a finished run can be resumed: exit code %d: %s", code, stderr)
	}
	check(t, d.stop())
}

// interrupt runs a command in a process of its own and ends it once a durable has so many events waiting.
func (d *daemon) interrupt(t *testing.T, durable jetstream.Consumer, waiting uint64, end syscall.Signal, args ...string) {
	t.Helper()
	var output bytes.Buffer
	cmd := exec.Command("forebay", append([]string{"--config", d.config()}, args...)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	check(t, cmd.Start())
	check(t, consumertest.Poll(deadline+time.Duration(waiting)*time.Millisecond, func() error {
		info, err := durable.Info(t.Context())
		if err == nil && info.NumPending < waiting {
			err = fmt.Errorf("%d events wait, want %d", info.NumPending, waiting)
		}
		return err
	}))
	check(t, cmd.Process.Signal(end))
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Fatalf("%q ended before it was interrupted: %v: %s", args, err, &output)
	}
	if end == syscall.SIGINT {
		check(t, matches(output.String(), "go on with: forebay replay --run"))
	}
}

func publishMany(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	for i := range n {
		_, err := js.PublishMsgAsync(eventMessage(t, fmt.Sprintf("event-%d", i)), jetstream.WithStallWait(deadline))
		check(t, err)
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(deadline):
		t.Fatal("the stream does not acknowledge")
	}
}

// wantEachOnce takes everything from a durable: a copy of each of the first n events, in their order.
func wantEachOnce(t *testing.T, durable jetstream.Consumer, n int) {
	t.Helper()
	count, order := make([]int, n+1), 0
	for got := 0; ; {
		batch, err := durable.Fetch(500, jetstream.FetchMaxWait(time.Second))
		check(t, err)
		before := got
		for msg := range batch.Messages() {
			of, err := strconv.Atoi(msg.Headers().Get(consumer.HeaderReplayOf))
			if err != nil || of < 1 || of > n {
				t.Fatalf("%s is a copy of %q", msg.Subject(), msg.Headers().Get(consumer.HeaderReplayOf))
			}
			if got++; of < order {
				t.Errorf("a copy of #%d came behind one of #%d", of, order)
			}
			count[of]++
			order = of
			check(t, msg.Ack())
		}
		if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) {
			t.Fatal(err)
		}
		if got == before {
			break
		}
	}
	lost, twice := 0, 0
	for _, c := range count[1:] {
		switch {
		case c == 0:
			lost++
		case c > 1:
			twice++
		}
	}
	if lost > 0 || twice > 0 {
		t.Errorf("%d lost, %d twice; want 0 and 0", lost, twice)
	}
}
