package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A contestant is a program that takes deliveries, verifies them and answers. It has a folder of its own.
type contestant struct {
	name  string // for --only
	title string // in the table
	extra bool   // only on demand

	// One of the two: ourselves with a handler, or forebay with a word for ack.
	handler func(dir string) (handler http.Handler, nats string, err error)
	ack     string
}

// ours is the contestant that the goals are about, flushed the one that it has to beat, and bare the least that there is.
const (
	ours    = "forebay"
	flushed = "always"
	bare    = "bare"
)

// contestants are in the order of their turns.
var contestants = []contestant{
	{name: "answer", title: "answer alone, no check", extra: true, handler: answerAlone},
	{name: bare, title: "bare", handler: bareHandler},
	{name: ours, title: "forebay", ack: "journal"},
	{name: flushed, title: "publish, sync_interval: always", handler: publishFlushed},
	{name: "default", title: "publish, default sync", handler: publishUnflushed},
	{name: "stream", title: "forebay, ack: stream", ack: "stream"},
}

func names(all []contestant) string {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// choose gives the contestants of these names, or those that are no extras.
func choose(only []string) (chosen []contestant, err error) {
	for _, c := range contestants {
		if slices.Contains(only, c.name) || len(only) == 0 && !c.extra {
			chosen = append(chosen, c)
		}
	}
	if len(only) > 0 && len(chosen) != len(only) {
		return nil, fmt.Errorf("--only: want names of %s, each once", names(contestants))
	}
	return chosen, nil
}

// launch starts a contestant in a fresh folder and returns once it takes deliveries.
func (b *benchmark) launch(ctx context.Context, c contestant) (*process, error) {
	dir, err := os.MkdirTemp(b.Dir, c.name+"-")
	if err != nil {
		return nil, err
	}
	command, err := b.command(c, dir)
	if err != nil {
		return nil, err
	}
	return start(ctx, command, b.say)
}

func (b *benchmark) command(c contestant, dir string) (*exec.Cmd, error) {
	if c.handler == nil {
		config := filepath.Join(dir, "forebay.yaml")
		return exec.Command(b.Forebay, "serve", "--config", config), os.WriteFile(config, forebayConfig(c.ack), 0o600)
	}
	self, err := os.Executable()
	return exec.Command(self, "serve", "--dir", dir, c.name), err
}

// forebayConfig is the product as it comes, but for the rate limit, which the load would meet first, and the bounds,
// which a long run would.
func forebayConfig(ack string) []byte {
	return fmt.Appendf(nil, `listen: 127.0.0.1:0
admin: 127.0.0.1:0
data: ./data
ack: %s
journal: {max_bytes: 1TiB}
nats: {listen: "127.0.0.1:0"}
stream: {name: %s, max_bytes: 0}
limits: {rate: 10000000/s, burst: 10000000}
sources: {%s: {provider: mgpass, secrets: [%s]}}
`, ack, streamName, sourceName, secret)
}

// What every contestant is set up with.
const (
	streamName = "IDENTITY"
	sourceName = "rewards"
	secret     = "for-the-benchmark-alone"
	path       = "/webhooks/" + sourceName
)

// Bounds on what a contestant may take.
const (
	startTime  = 30 * time.Second
	stopTime   = 30 * time.Second
	settleTime = 5 * time.Minute
)
