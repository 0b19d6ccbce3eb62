package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"
)

// A contestant is a program that takes deliveries, verifies them and answers. It has a folder of its own.
type contestant struct {
	name  string // for --only
	title string // in the table
	extra bool   // only on demand

	// One of the two: ourselves with a handler, or forebay with a setup.
	handler func(dir string) (handler http.Handler, nats string, err error)
	setup   setup
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
	{name: ours, title: "forebay", setup: setup{ack: "journal"}},
	{name: flushed, title: "publish, sync_interval: always", handler: publishFlushed},
	{name: "default", title: "publish, default sync", handler: publishUnflushed},
	{name: "stream", title: "forebay, ack: stream", setup: setup{ack: "stream"}},
}

func names(all []contestant) string {
	var names []string
	for _, c := range all {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// titleOf is what a contestant is called in tables; what is none is called by its name.
func titleOf(name string) string {
	for _, c := range contestants {
		if c.name == name {
			return c.title
		}
	}
	return name
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
	dir, err := os.MkdirTemp(b.dir, c.name+"-")
	if err != nil {
		return nil, err
	}
	if c.handler == nil {
		return b.forebay(ctx, dir, c.setup)
	}
	return b.self(ctx, "serve", "--dir", dir, c.name)
}

// self starts this program as a process of its own, and returns once it is ready.
func (b *benchmark) self(ctx context.Context, args ...string) (*process, error) {
	name, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := start(ctx, exec.Command(name, args...), b.warnings)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	b.atEnd(p.stop)
	return p, nil
}

// Bounds on what a contestant may take.
const (
	startTime  = 30 * time.Second
	stopTime   = 30 * time.Second
	settleTime = 5 * time.Minute
)
