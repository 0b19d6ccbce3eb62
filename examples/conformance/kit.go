package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A kind is how a program gets its events.
type kind string

const (
	client  kind = "client"  // it binds to the durable with a NATS client of its language
	webhook kind = "webhook" // it listens, and the job webhook posts to it
	command kind = "command" // the job command runs it for each event
)

func (k kind) valid() bool { return k == client || k == webhook || k == command }

type options struct {
	forebay  string // the binary
	kind     kind
	name     string
	argv     []string
	environ  []string
	patience time.Duration
}

// The consumer that the program is. Its schedule is short, so that a run takes seconds.
const (
	durable     = "example"
	maxAttempts = 3
	firstStep   = 500 * time.Millisecond
	lastStep    = time.Second
	maxAge      = 10 * time.Minute
)

// A kit is everything that stands around one program.
type kit struct {
	options
	dir     string
	service *service // the program's work
	daemon  *daemon
	program *program // nil: the daemon runs it
	stream  *stream
	cases   []*verdict
}

// newKit starts the service, forebay and the program.
func newKit(ctx context.Context, o options, dir string) (*kit, error) {
	k := &kit{options: o, dir: dir}
	if err := k.start(ctx); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

func (k *kit) start(ctx context.Context) (err error) {
	if k.service, err = newService(); err != nil {
		return err
	}
	if err := k.startDaemon(ctx); err != nil {
		return err
	}
	if k.stream, err = openStream(ctx, k.daemon); err != nil {
		return err
	}
	if k.kind == command {
		return nil
	}
	k.program = &program{argv: k.argv, env: k.programEnv(), log: filepath.Join(k.dir, "program.log")}
	return k.startProgram(ctx)
}

// startProgram returns when a program that listens does so. A client needs no waiting for: its events wait for it.
func (k *kit) startProgram(ctx context.Context) error {
	if err := k.program.start(); err != nil || k.kind != webhook {
		return err
	}
	return k.until(ctx, func() error {
		c, err := net.Dial("tcp", k.daemon.hook)
		if err != nil {
			return fmt.Errorf("the program does not listen at $LISTEN: %w", err)
		}
		return c.Close()
	})
}

func (k *kit) startDaemon(ctx context.Context) error {
	d, err := newDaemon(k.options, k.dir, k.service.url)
	if err != nil {
		return err
	}
	k.daemon = d
	return d.start(ctx)
}

func (k *kit) close() {
	if k.program != nil {
		k.program.kill()
	}
	if k.stream != nil {
		k.stream.close()
	}
	if k.daemon != nil {
		k.daemon.kill()
	}
	if k.service != nil {
		k.service.close()
	}
}

// programEnv is what a program of its own is given.
func (k *kit) programEnv() []string {
	env := []string{
		k.daemon.search, "WORK_URL=" + k.service.url, "SEAL_KEY=" + k.daemon.sealKey(),
		"FOREBAY_CONSUMER=" + durable, "FOREBAY_STREAM=IDENTITY", "NATS_URL=nats://" + k.daemon.nats,
	}
	if k.kind == webhook {
		env = append(env, "LISTEN="+k.daemon.hook, "WEBHOOK_SECRET="+webhookSecret)
	}
	return append(k.environ[:len(k.environ):len(k.environ)], env...)
}

// run goes through the cases: first what a consumer meets every day, all at once; then what operators do; then what
// happens to machines.
func (k *kit) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{
		k.everyday, k.operator, k.stopped, k.killed, k.restarted,
	} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

// until waits until try has no error, and gives the last one when there is no more patience.
func (k *kit) until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, k.patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// settled waits until nothing is under way any more, the dead letters included. That it does not settle is a failure
// that the cases will name.
func (k *kit) settled(ctx context.Context) {
	_ = k.until(ctx, func() error {
		left, err := k.stream.left(ctx)
		if err == nil && left > 0 {
			err = fmt.Errorf("%d events are not done with", left)
		}
		return err
	})
}

// logs are the ends of what the program and forebay wrote.
func (k *kit) logs() string {
	var all []string
	for _, name := range []string{"program.log", "forebay.log"} {
		text, err := os.ReadFile(filepath.Join(k.dir, name))
		if errors.Is(err, os.ErrNotExist) {
			continue
		}
		all = append(all, "== "+name+"\n"+string(text[max(0, len(text)-3000):]))
	}
	return strings.Join(all, "\n")
}
