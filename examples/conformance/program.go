package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// A program is a process that is started, stopped and started again.
type program struct {
	argv, env []string
	log       string // file that takes what it writes
	process   *os.Process
	exited    chan struct{}
	code      int
}

func (p *program) start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	c := exec.Command(p.argv[0], p.argv[1:]...)
	c.Env, c.Stdout, c.Stderr = p.env, log, log
	err = c.Start()
	if err = errors.Join(err, log.Close()); err != nil { // the program has its own by now
		return fmt.Errorf("start %s: %w", p.argv[0], err)
	}
	exited := make(chan struct{})
	p.process, p.exited = c.Process, exited
	go func() {
		_ = c.Wait() // how it ended is in its state
		p.code = c.ProcessState.ExitCode()
		close(exited)
	}()
	return nil
}

func (p *program) ended() bool {
	select {
	case <-p.exited:
		return true
	default:
		return false
	}
}

// stop asks the program to end, and says how it did.
func (p *program) stop(patience time.Duration) error {
	if p.ended() {
		return fmt.Errorf("it had ended before it was stopped, with exit code %d", p.code)
	}
	if err := p.process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.kill()
		return fmt.Errorf("it went on for %s after SIGTERM", patience)
	}
	if p.code != 0 {
		return fmt.Errorf("after SIGTERM it ended with exit code %d, want 0", p.code)
	}
	return nil
}

// kill ends it as a power cut does.
func (p *program) kill() {
	if p.process != nil && !p.ended() {
		_ = p.process.Kill()
		<-p.exited
	}
}
