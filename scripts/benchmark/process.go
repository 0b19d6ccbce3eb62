package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// What a contestant logs, as forebay does, when it takes deliveries.
const (
	saysSource = "source"
	saysReady  = "ready"
)

// addresses are where a contestant can be reached; empty where it cannot.
type addresses struct {
	Webhooks string // http://127.0.0.1:40001/webhooks/rewards
	NATS     string // nats://127.0.0.1:40002
	Admin    string // http://127.0.0.1:40003
}

// A process is a contestant that we started. We end it, and nothing else, by its ID.
type process struct {
	command *exec.Cmd
	at      addresses
	ready   chan struct{}
	ended   chan struct{}
	err     error // how it ended
	over    bool  // we ended it, and said how that went
}

// start starts a command and returns once it is ready. What it warns of is said to say.
func start(ctx context.Context, command *exec.Cmd, say io.Writer) (*process, error) {
	log, err := command.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, ready: make(chan struct{}), ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.listen(log, say)
		p.err = command.Wait()
	}()
	select {
	case <-p.ready:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("ended before it was ready: %w", p.err)
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(startTime):
		err = fmt.Errorf("not ready after %s", startTime)
	}
	_ = p.stop() // why it did not start says more
	return nil, err
}

// listen reads the log of a contestant to its end.
func (p *process) listen(log io.Reader, say io.Writer) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		var line struct{ Level, Msg, URL, NATS, Admin string }
		err := json.Unmarshal(lines.Bytes(), &line)
		switch {
		case err != nil || line.Level != "INFO" && line.Level != "DEBUG":
			fmt.Fprintf(say, "%s\n", lines.Bytes())
		case line.Msg == saysSource && strings.HasSuffix(line.URL, path): // the first source
			p.at.Webhooks = line.URL
		case line.Msg == saysReady:
			p.at.NATS, p.at.Admin = line.NATS, line.Admin
			close(p.ready)
		}
	}
	_, _ = io.Copy(io.Discard, log) // a line that is too long must not block who writes it
}

func (p *process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil {
		return fmt.Errorf("send %s: %w", s, err)
	}
	return nil
}

// pause holds a process, so that its housekeeping is done in its own turns; resume lets it go on.
func (p *process) pause() error  { return p.signal(syscall.SIGSTOP) }
func (p *process) resume() error { return p.signal(syscall.SIGCONT) }

// stop asks a process to end, and makes it. Stopping what was stopped does nothing.
func (p *process) stop() error {
	if p.over {
		return nil
	}
	p.over = true
	_, _ = p.resume(), p.signal(syscall.SIGTERM) // it may have ended
	select {
	case <-p.ended:
	case <-time.After(stopTime):
		_ = p.command.Process.Kill() // as above
		<-p.ended
	}
	if p.err != nil {
		return fmt.Errorf("stop %s: %w", p.command.Path, p.err)
	}
	return nil
}

// kill ends a process as a power cut does.
func (p *process) kill() error {
	p.over = true
	err := p.command.Process.Kill()
	<-p.ended
	return err
}
