package command

import (
	"context"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// settle is how long what a program wrote may take to be read when nobody is left in its group. Who left the group may
// hold its output open, and is not waited for.
const settle = time.Second

// A process is a program under way. Its pipes are ours and not those of os/exec, which, when a program ends and leaves
// others behind, would wait for them before we could end them.
type process struct {
	cmd            *exec.Cmd
	pipes          []*os.File // our ends
	stdout, stderr tail
	exited         chan struct{} // the program itself has ended
	gone           chan struct{} // and its pipes are closed
}

// An ending is how a program ended.
type ending struct {
	state          *os.ProcessState
	cut            error // why its context ended before it did; nil: it ended by itself
	stdout, stderr tail
}

// start starts a program in a group of its own with input on its standard input.
func start(cmd *exec.Cmd, input []byte) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{}), gone: make(chan struct{})}
	lead(cmd)
	theirs, err := p.connect()
	if err == nil {
		err = cmd.Start()
	}
	closeAll(theirs)
	if err != nil {
		closeAll(p.pipes)
		return nil, err
	}
	p.attend(input)
	return p, nil
}

// connect makes the pipes, and gives the program's ends.
func (p *process) connect() (theirs []*os.File, err error) {
	for range 3 {
		r, w, err := os.Pipe()
		if err != nil {
			return theirs, err
		}
		if len(theirs) == 0 {
			theirs, p.pipes = append(theirs, r), append(p.pipes, w)
		} else {
			theirs, p.pipes = append(theirs, w), append(p.pipes, r)
		}
	}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = theirs[0], theirs[1], theirs[2]
	return theirs, nil
}

// attend feeds the program, reads what it writes, and waits for its end. How that ends is in the process's state: a pipe
// that breaks is a program that does not read.
func (p *process) attend(input []byte) {
	var all sync.WaitGroup
	all.Go(func() {
		_, _ = p.pipes[0].Write(input)
		_ = p.pipes[0].Close()
	})
	all.Go(func() { _, _ = io.Copy(&p.stdout, p.pipes[1]) })
	all.Go(func() { _, _ = io.Copy(&p.stderr, p.pipes[2]) })
	all.Go(func() {
		_ = p.cmd.Wait()
		close(p.exited)
	})
	go func() {
		all.Wait()
		close(p.gone)
	}()
}

// wait waits until the program has ended, and ends it when ctx does. Afterwards nobody of its group is left.
func (p *process) wait(ctx context.Context, grace time.Duration) ending {
	var cut error
	select {
	case <-p.exited:
	case <-ctx.Done():
		cut = ctx.Err()
	}
	if terminate(p.cmd.Process) {
		p.leave(grace)
	}
	kill(p.cmd.Process)
	<-p.exited
	timer := time.NewTimer(settle)
	defer timer.Stop()
	select {
	case <-p.gone:
	case <-timer.C:
	}
	closeAll(p.pipes)
	<-p.gone
	return ending{p.cmd.ProcessState, cut, p.stdout, p.stderr}
}

// look is how often we look whether anybody is left in a group: the system does not say when the last has ended.
const look = 20 * time.Millisecond

// leave waits until nobody is left in the program's group, and no longer than grace.
func (p *process) leave(grace time.Duration) {
	timer, ticker := time.NewTimer(grace), time.NewTicker(look)
	defer timer.Stop()
	defer ticker.Stop()
	for left(p.cmd.Process) {
		select {
		case <-ticker.C:
		case <-timer.C:
			return
		}
	}
}

// closeAll closes ends of pipes; nothing is kept in one that an error could have lost.
func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
