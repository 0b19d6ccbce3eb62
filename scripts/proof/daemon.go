package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// A daemon is "forebay serve" as a process of its own. Its addresses stay the same from start to start.
type daemon struct {
	prover  *prover
	setup   setup
	data    string // may be changed while it does not run
	dir     string
	logFile string

	webhooks string // http://127.0.0.1:PORT
	admin    string // http://127.0.0.1:PORT
	nats     string // nats://127.0.0.1:PORT, of the server that it publishes to

	process *process
}

func newDaemon(p *prover, dir string, s setup) (*daemon, error) {
	free, err := freeAddresses(3)
	if err != nil {
		return nil, err
	}
	return &daemon{
		prover: p, setup: s, data: s.data, dir: dir, logFile: filepath.Join(dir, "forebay.log"),
		webhooks: "http://" + free[0], admin: "http://" + free[1], nats: "nats://" + free[2],
	}, nil
}

// launch writes the configuration and starts it.
func (d *daemon) launch() error {
	file := filepath.Join(d.dir, "forebay.yaml")
	if err := os.WriteFile(file, []byte(d.configuration()), 0o600); err != nil {
		return err
	}
	var environment []string
	if d.prover.weakened(weakFlush) {
		environment = []string{"FOREBAY_UNSAFE_PROOF=flush"}
	}
	process, err := launch(d.logFile, environment, d.prover.Forebay, "serve", "--config", file)
	if err != nil {
		return fmt.Errorf("start forebay: %w", err)
	}
	d.process = process
	return nil
}

// start returns once it takes deliveries.
func (d *daemon) start(ctx context.Context) error {
	if err := d.launch(); err != nil {
		return err
	}
	return d.awaitReady(ctx)
}

func (d *daemon) awaitReady(ctx context.Context) error {
	ended := false
	err := poll(ctx, startTime, func() error {
		if ended = !d.alive(); ended {
			return nil
		}
		status, text, err := d.ready(ctx)
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("/readyz answers %d %s", status, text)
		}
		return err
	})
	if ended {
		return fmt.Errorf("forebay ended before it was ready: %w", d.process.err)
	}
	return err
}

func (d *daemon) alive() bool { return d.process.alive() }

// kill ends it as a power cut does. Killing what does not run does nothing.
func (d *daemon) kill() { d.process.kill() }

// stop ends it as an operator does. It is an error when it does not end well.
func (d *daemon) stop() error {
	if err := d.process.stop(); err != nil {
		return fmt.Errorf("stop forebay: %w", err)
	}
	return nil
}

// resident is its memory, in bytes.
func (d *daemon) resident() (int64, error) { return d.process.resident() }

// ready asks whether it takes deliveries, and what is wrong.
func (d *daemon) ready(ctx context.Context) (status int, text string, err error) {
	return get(ctx, d.admin+"/readyz")
}

func get(ctx context.Context, url string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	return answer.StatusCode, string(body), err
}

// log is what it wrote so far, over all its starts.
func (d *daemon) log() string {
	text, err := os.ReadFile(d.logFile)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err.Error()
	}
	return string(text)
}

// panicked gives the first line that a Go program writes when it dies of itself.
func (d *daemon) panicked() string {
	for line := range strings.Lines(d.log()) {
		if strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}

func (d *daemon) lastLines(n int) string {
	lines := slices.Collect(strings.Lines(d.log()))
	return strings.Join(lines[max(0, len(lines)-n):], "")
}
