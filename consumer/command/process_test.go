//go:build unix

package command

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// A run is a script with a folder of its own, which it writes its marks into.
type run struct {
	t    *testing.T
	dir  string
	took time.Duration
}

// handle runs a script to its end, and stops it once it has made the mark; an empty mark: it may go on.
func (r *run) handle(script, mark string, grace time.Duration) error {
	r.t.Helper()
	r.dir = r.t.TempDir()
	o := shell(script)
	o.Dir, o.Timeout, o.Grace = Path(r.dir), long, grace
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	j, done := newJob(r.t, o), make(chan error, 1)
	begin := time.Now()
	go func() { done <- j.Handle(ctx, message(r.t)) }()
	if mark != "" {
		consumertest.Eventually(r.t, mark, func() bool { return r.read(mark) != "" })
		begin = time.Now()
		stop()
	}
	err := <-done
	r.took = time.Since(begin)
	return err
}

// read gives what a script wrote into a mark, empty if it is not there yet.
func (r *run) read(mark string) string {
	text, _ := os.ReadFile(filepath.Join(r.dir, mark)) // as long as it is not there
	return strings.TrimSpace(string(text))
}

// gone waits until the process whose number a script wrote down has ended. Signal 0 only looks.
func (r *run) gone(mark string) {
	r.t.Helper()
	pid, err := strconv.Atoi(r.read(mark))
	if err != nil {
		r.t.Fatal(err)
	}
	consumertest.Eventually(r.t, "the end of "+mark, func() bool { return syscall.Kill(pid, 0) != nil || zombie(pid) })
}

// zombie reports whether a process has ended and nobody has asked how: orphans of a container without an init.
func zombie(pid int) bool {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(stat), ") Z ")
}

func TestTooLong(t *testing.T) {
	o := shell("exec sleep 600")
	o.Timeout = 100 * time.Millisecond
	begin := time.Now()
	err := newJob(t, o).Handle(t.Context(), message(t))
	if consumertest.Verdict(err) != "retry" || !strings.Contains(err.Error(), "took too long") || time.Since(begin) > long/2 {
		t.Errorf("got %v after %s", err, time.Since(begin))
	}
}

// A program that is stopped is asked to end, with all that it started, and has time to do so. Its exit code then says
// nothing.
func TestStopped(t *testing.T) {
	r := run{t: t}
	err := r.handle(`
		trap 'echo asked >asked; exit 0' TERM
		sleep 600 & echo $! >child
		wait`, "child", long)
	if consumertest.Verdict(err) != "retry" || !strings.Contains(err.Error(), "forebay stops") || r.took > long/2 {
		t.Errorf("got %v after %s", err, r.took)
	}
	if r.read("asked") == "" {
		t.Error("it was not asked")
	}
	r.gone("child")
}

// One that does not listen is killed, with all that it started.
func TestDeafProgram(t *testing.T) {
	r := run{t: t}
	err := r.handle(`
		trap '' TERM
		sleep 600 & echo $! >child
		while :; do sleep 600; done`, "child", 200*time.Millisecond)
	if consumertest.Verdict(err) != "retry" || r.took > long/2 || r.took < 200*time.Millisecond {
		t.Errorf("got %v after %s", err, r.took)
	}
	r.gone("child")
}

// A child may take its time for an orderly end even if the program itself has none, and whether or not it holds our pipes.
func TestGraceIsForChildrenToo(t *testing.T) {
	for _, output := range []string{"", ">/dev/null 2>&1"} {
		r := run{t: t}
		err := r.handle(`
			sh -c 'trap "sleep 0.3; echo orderly >orderly; exit" TERM; echo ready >ready; while :; do sleep 0.05; done' `+output+` &
			exec sleep 600`, "ready", long)
		if consumertest.Verdict(err) != "retry" || r.took > long/2 {
			t.Errorf("output %q: got %v after %s", output, err, r.took)
		}
		if r.read("orderly") == "" {
			t.Errorf("output %q: the child was not given its time", output)
		}
	}
}

// Nobody waits for who has ended and is not asked how: a container may have no init that asks.
func TestZombiesAreNotWaitedFor(t *testing.T) {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here") // other systems than Linux
	}
	cmd := exec.Command("sleep", "600")
	lead(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if !left(cmd.Process) {
		t.Error("a program under way counts as ended")
	}
	kill(cmd.Process)
	consumertest.Eventually(t, "the end of the group", func() bool { return !left(cmd.Process) })
	_ = cmd.Wait() // it was killed
}

// What a program leaves behind ends with it, and its verdict stands.
func TestLeftBehind(t *testing.T) {
	r := run{t: t}
	if err := r.handle("sleep 600 & echo $! >child; exit 0", "", long); err != nil || r.took > long/2 {
		t.Errorf("got %v after %s", err, r.took)
	}
	r.gone("child")
	err := r.handle(`
		sh -c 'trap "" TERM; echo $$ >child; while :; do sleep 600; done' &
		while [ ! -s child ]; do sleep 0.01; done
		exit 65`, "", 200*time.Millisecond)
	if consumertest.Verdict(err) != "permanent" || r.took > long/2 {
		t.Errorf("got %v after %s", err, r.took)
	}
	r.gone("child")
}

// Who leaves the group is not ended, and not waited for either.
func TestWhoLeavesTheGroup(t *testing.T) {
	r := run{t: t}
	err := r.handle(`exec python3 -c '
import os, time
if os.fork() == 0:
    os.setsid()
    open("part", "w").write(str(os.getpid()))
    os.rename("part", "child")
    time.sleep(600)
while not os.path.exists("child"):
    time.sleep(0.01)
os._exit(65)'`, "", long)
	if consumertest.Verdict(err) != "permanent" || r.took > long/2 {
		t.Errorf("got %v after %s", err, r.took)
	}
	pid, err := strconv.Atoi(r.read("child"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Errorf("it was ended: %v", err)
	}
}

// At a stop, Run waits for the programs under way, and a hard stop ends them.
func TestRunWaits(t *testing.T) {
	dir := t.TempDir()
	o := shell("echo $$ >started; exec sleep 600")
	o.Dir, o.Timeout = Path(dir), long
	j := newJob(t, o)
	work, hard := context.WithCancel(t.Context())
	asking, soft := context.WithCancel(t.Context())
	handled, ran := make(chan error, 1), make(chan error, 1)
	go func() { handled <- j.Handle(work, message(t)) }()
	go func() { ran <- j.Run(asking) }()
	consumertest.Eventually(t, "the program", func() bool {
		text, err := os.ReadFile(filepath.Join(dir, "started"))
		return err == nil && len(text) > 0
	})
	soft()
	select {
	case <-ran:
		t.Fatal("Run did not wait")
	case <-time.After(50 * time.Millisecond):
	}
	hard()
	if err := <-ran; err != nil {
		t.Error(err)
	}
	if err := <-handled; consumertest.Verdict(err) != "retry" {
		t.Errorf("got %v", err)
	}
}

// Nothing stays open, however programs end.
func TestNoDescriptorLeaks(t *testing.T) {
	count := func() int {
		open, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip("no /proc here") // other systems than Linux
		}
		return len(open)
	}
	j := newJob(t, shell("echo a; exit 3"))
	gone := filepath.Join(t.TempDir(), "gone")
	if err := os.WriteFile(gone, []byte("#!/bin/sh\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	missing := newJob(t, Options{Argv: []string{gone}})
	if err := os.Remove(gone); err != nil {
		t.Fatal(err)
	}
	_ = j.Handle(t.Context(), message(t)) // what the runtime opens once is open
	before := count()
	for range 10 {
		_ = j.Handle(t.Context(), message(t)) // their verdicts have tests of their own
		_ = missing.Handle(t.Context(), message(t))
	}
	if after := count(); after > before {
		t.Errorf("%d files open, %d before", after, before)
	}
}
