package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// A follower is a command that runs beside the test.
type follower struct {
	stdout, stderr consumertest.Buffer
	code           chan int
	cancel         context.CancelFunc
}

func follow(t *testing.T, args ...string) *follower {
	t.Helper()
	f := &follower{code: make(chan int, 1)}
	ctx, cancel := context.WithCancel(t.Context())
	f.cancel = cancel
	t.Cleanup(cancel)
	go func() { f.code <- run(ctx, args, os.Getenv, strings.NewReader(""), &f.stdout, &f.stderr) }()
	return f
}

// said waits until one of its outputs says so.
func (f *follower) said(t *testing.T, text string) {
	t.Helper()
	check(t, poll(func() error {
		if both := f.stdout.String() + f.stderr.String(); !strings.Contains(both, text) {
			return fmt.Errorf("no %q in %q", text, both)
		}
		return nil
	}))
}

// Without flags tail shows what comes, not what was; it goes on after a restart and misses nothing.
func TestTailFollows(t *testing.T) {
	d := newDaemon(t, forebayYAML)
	d.run(t)
	target := d.target(t, "mgpass")
	send := func() string {
		a := target.send(t.Context(), target.sampler.Natives()[0])
		if !a.success() {
			t.Fatalf("send: %+v", a)
		}
		return a.IDs[0]
	}
	old := send()
	d.stream(t, 1)
	f := follow(t, "--config", d.config(), "tail")
	check(t, poll(func() error { // until the first that comes after tail has begun
		id := send()
		if !strings.Contains(f.stdout.String(), id) {
			return fmt.Errorf("tail does not show %s: %s", id, f.stderr.String())
		}
		return nil
	}))
	d.kill()
	d.run(t)
	during := send()
	f.said(t, during)
	if strings.Contains(f.stdout.String(), old) {
		t.Error("tail shows what was there before")
	}
	for _, line := range strings.Split(strings.TrimSpace(f.stdout.String()), "\n") {
		if strings.Count(f.stdout.String(), line) > 1 {
			t.Errorf("shown twice: %s", line)
		}
	}
	f.cancel()
	if code := <-f.code; code != 0 {
		t.Errorf("interrupted: exit code %d: %s", code, f.stderr.String())
	}
}

// tail may be first: it waits for the stream, and shows all that comes into it.
func TestTailWaitsForTheStream(t *testing.T) {
	nats := brokertest.Start(t)
	d := newDaemon(t, externalYAML(nats.URL, "off"))
	f := follow(t, "--config", d.config(), "tail", "-n", "1")
	hasty := follow(t, "--config", d.config(), "tail", "-n", "1")
	f.said(t, "waiting for the stream")
	hasty.said(t, "waiting for the stream")
	hasty.cancel()
	code := <-hasty.code
	if code != exitFailed || !strings.Contains(hasty.stderr.String(), "stopped after 0 of 1 events") {
		t.Errorf("interrupted too early: exit code %d: %s", code, hasty.stderr.String())
	}
	d.run(t)
	if _, stderr, code := call(t, "--config", d.config(), "send", "ssofy", "safety_reset"); code != 0 {
		t.Fatal(stderr)
	}
	f.said(t, `"seq":1,"subject":"identity.ssofy.cache.reset"`)
	if code = <-f.code; code != 0 {
		t.Errorf("exit code %d", code)
	}
}
