package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// startTime and stopTime bound how long a program may take to be ready, and to end.
const (
	startTime = 30 * time.Second
	stopTime  = 40 * time.Second
)

// A process is a program that we started. We end it, and nothing else, by its ID.
type process struct {
	command *exec.Cmd
	ended   chan struct{} // closed once err says how
	err     error
}

// launch starts a program that writes to the end of a file.
func launch(logFile string, environment []string, program string, args ...string) (*process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{command: exec.Command(program, args...), ended: make(chan struct{})}
	p.command.Stdout, p.command.Stderr = log, log
	p.command.Env = append(p.command.Environ(), environment...)
	p.command.SysProcAttr = dieWithParent()
	if err := p.command.Start(); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	go func() {
		p.err = errors.Join(p.command.Wait(), log.Close())
		close(p.ended)
	}()
	return p, nil
}

func (p *process) alive() bool {
	if p == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill ends it as a power cut does. Killing what does not run does nothing.
func (p *process) kill() {
	if p.alive() {
		_ = p.command.Process.Kill() // it may have ended just now
		<-p.ended
	}
}

// stop asks it to end, and is an error when it does not, or not well.
func (p *process) stop() error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-time.After(stopTime):
		p.kill()
		return fmt.Errorf("still running %s after SIGTERM", stopTime)
	}
}

func (p *process) signal(s syscall.Signal) error {
	if !p.alive() {
		return errors.New("it does not run")
	}
	return p.command.Process.Signal(s)
}

// resident is its memory, in bytes.
func (p *process) resident() (int64, error) {
	if !p.alive() {
		return 0, errors.New("it does not run")
	}
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, err
	}
	for line := range bytes.Lines(text) {
		if fields := strings.Fields(string(line)); len(fields) > 1 && fields[0] == "VmRSS:" {
			kilobytes, err := strconv.ParseInt(fields[1], 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, errors.New("/proc tells no VmRSS")
}

// poll tries until there is no error, at most so long.
func poll(ctx context.Context, most time.Duration, try func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("after %s: %w", most, err)
		}
	}
}

// pause waits; the moment is the point, and there is nothing to wait for.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// freeAddresses finds ports on loopback below those that systems give to outgoing connections, so that none takes them
// meanwhile.
func freeAddresses(n int) (addresses []string, err error) {
	for range 1000 {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.IntN(20000)))
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		defer l.Close() // all are held until the last is found: no two are the same
		if addresses = append(addresses, address); len(addresses) == n {
			return addresses, nil
		}
	}
	return nil, errors.New("no free ports on 127.0.0.1")
}
