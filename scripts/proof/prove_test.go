package main

import (
	"bytes"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// programs builds what the proofs run, and gives the flags that name it.
func programs(t *testing.T, tags ...string) []string {
	t.Helper()
	if testing.Short() {
		t.Skip("the proofs take minutes")
	}
	dir := t.TempDir()
	args := append([]string{"build", "-o", dir + "/"}, tags...)
	command := exec.Command("go", append(args, "./cmd/forebay", "github.com/nats-io/nats-server/v2")...)
	command.Dir = filepath.Join("..", "..")
	if out, err := command.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v: %s", err, out)
	}
	return []string{"--forebay", filepath.Join(dir, "forebay"), "--nats-server", filepath.Join(dir, "nats-server")}
}

// prove runs one proof in its short form.
func prove(t *testing.T, programs []string, args ...string) (line string, err error) {
	t.Helper()
	var out bytes.Buffer
	args = append(append(args, "--short", "--dir", t.TempDir()), programs...)
	err = run(t.Context(), args, &out, &out)
	return out.String(), err
}

// The short form of every proof holds. One that cannot run on this machine says so.
func TestProofsHold(t *testing.T) {
	with := programs(t)
	for _, name := range proofNames(t) {
		t.Run(name, func(t *testing.T) {
			line, err := prove(t, with, name)
			t.Log(line)
			if err != nil && !errors.Is(err, errCannot) {
				t.Error(err)
			}
		})
	}
}

// proofNames asks the program for its commands, so that none goes without its short form.
func proofNames(t *testing.T) (names []string) {
	t.Helper()
	var help bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &help, &help); err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(help.String(), "Commands:\n")
	for line := range strings.Lines(list) {
		if name, ok := strings.CutPrefix(line, "  "); ok && !strings.HasPrefix(name, " ") && !strings.HasPrefix(name, "all ") {
			names = append(names, strings.Fields(name)[0])
		}
	}
	if len(names) < 6 {
		t.Fatalf("commands: %q in %s", names, help.String())
	}
	return names
}

// A proof without the protection that it is about fails, and for the reason that it should. It ends as soon as it does.
func TestWeakenedProofsFail(t *testing.T) {
	with := programs(t, "-tags", "unsafe_proof")
	for _, c := range []struct{ name, weaken, want string }{
		{"kill", weakFlush, "lost "},
		{"kill", weakDedupe, "twice "},
		{"forgetful", weakGuard, "lost "},
		{"power-cut", weakFlush, "lost "},
	} {
		t.Run(c.name+" without "+c.weaken, func(t *testing.T) {
			line, err := prove(t, with, c.name, "--weaken", c.weaken, "--rounds", "12")
			t.Log(line)
			if errors.Is(err, errCannot) {
				return
			}
			if !errors.Is(err, errFailed) || !strings.Contains(line, "FAILED") || strings.Contains(line, c.want+"0,") {
				t.Errorf("it did not fail by what it has %sof: %v", c.want, err)
			}
		})
	}
}
