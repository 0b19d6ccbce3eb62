package command

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

var _ consumer.Job = (*job)(nil)

// A program that is no shell writes down what it got.
func TestWhatAProgramGets(t *testing.T) {
	python := python(t)
	t.Setenv("HOME", "/nowhere")
	t.Setenv("LANG", "C.UTF-8")
	t.Setenv("REGION", "north")
	t.Setenv("OVER", "ours")
	t.Setenv("API_TOKEN", "hush")
	dir := t.TempDir()
	const program = `
import json, os, sys
got = {"body": sys.stdin.read(), "env": dict(os.environ), "argv": sys.argv[1:], "dir": os.getcwd()}
json.dump(got, open("got.json", "w"))
`
	j := newJob(t, Options{
		Argv: []string{python, "-c", program, "a b", "$HOME", ";exit 1"}, Dir: Path(dir),
		Inherit: []string{"REGION", "OVER", "UNSET"}, Env: map[string]string{"OVER": "theirs", "API_URL": "https://crm.example"},
	})
	m := message(t)
	m.ReplayOf = 3
	if err := j.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Body, Dir string
		Argv      []string
		Env       map[string]string
	}
	readJSON(t, filepath.Join(dir, "got.json"), &got)
	if got.Body != string(m.Body) {
		t.Errorf("input %s, want %s", got.Body, m.Body)
	}
	if want := []string{"a b", "$HOME", ";exit 1"}; !slices.Equal(got.Argv, want) {
		t.Errorf("arguments %q, want %q", got.Argv, want)
	}
	if want, err := filepath.EvalSymlinks(dir); err != nil || got.Dir != want {
		t.Errorf("folder %s, want %s (%v)", got.Dir, want, err)
	}
	delete(got.Env, "LC_CTYPE") // Python's own (PEP 538)
	want := map[string]string{
		"PATH": os.Getenv("PATH"), "HOME": "/nowhere", "LANG": "C.UTF-8", "REGION": "north", "OVER": "theirs",
		"API_URL": "https://crm.example", "TRACEPARENT": consumertest.Trace,
		"FOREBAY_ID": "1; exit 9", "FOREBAY_ACTION": "user.created", "FOREBAY_NATIVE": "user_created",
		"FOREBAY_OUTCOME": "success", "FOREBAY_SOURCE": "ssofy", "FOREBAY_PROVIDER": "ssofy",
		"FOREBAY_TIME": "2026-03-01T12:00:00Z", "FOREBAY_RECEIVED": "2026-03-01T12:00:00Z",
		"FOREBAY_USER": "$(touch x) \"Zoë\"\nY=1\uFFFDZ", "FOREBAY_SUBJECT": "identity.ssofy.user.created",
		"FOREBAY_SEQ": "7", "FOREBAY_CONSUMER": "crm", "FOREBAY_ATTEMPT": "2", "FOREBAY_MAX_ATTEMPTS": "6", "FOREBAY_REPLAY_OF": "3",
	}
	if !maps.Equal(got.Env, want) {
		t.Errorf("environment\n%q, want\n%q", got.Env, want)
	}
}

// python is the interpreter itself: launchers that stand in for it add variables of their own.
func python(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	o := shell(`python3 -c 'import sys; open("path", "w").write(sys.executable)'`)
	o.Dir = Path(dir)
	if err := newJob(t, o).Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	path, err := os.ReadFile(filepath.Join(dir, "path"))
	if err != nil {
		t.Fatal(err)
	}
	return string(path)
}

func readJSON(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

func TestVerdicts(t *testing.T) {
	for script, want := range map[string]string{
		"exit 0":                               "ack",
		"exec true":                            "ack",
		"echo retry-after: 5; exit 0":          "ack",
		"exit 1":                               "retry",
		"exit 65":                              "permanent",
		"exit 75":                              "retry",
		"exit 100":                             "retry",
		"no-such-program":                      "retry",
		"kill -9 $$":                           "retry",
		"kill -TERM $$":                        "retry",
		"echo retry-after: 90; exit 75":        "after 1m30s",
		"echo a; echo Retry-After:5m; exit 75": "after 5m0s",
		"printf 'retry-after: 2\n\n'; exit 75": "after 2s",
		"printf 'retry-after: 2'; exit 75":     "after 2s",
		"echo retry-after: 9999999; exit 75":   "after 1h0m0s",
		"echo retry-after: 0; exit 75":         "retry",
		"echo retry-after: -5s; exit 75":       "retry",
		"echo retry-after: soon; exit 75":      "retry",
		"echo retry-after: 5; echo b; exit 75": "retry",
		"echo retry-after: 5 >&2; exit 75":     "retry",
		"echo retry-after: 5; exit 1":          "retry",
		"echo retry-after: 5; exit 65":         "permanent",
	} {
		if got := consumertest.Verdict(newJob(t, shell(script)).Handle(t.Context(), message(t))); got != want {
			t.Errorf("%s: got %s, want %s", script, got, want)
		}
	}
}

// A program may ignore its input, be it longer than any pipe, and write more than anybody wants to keep.
func TestFloods(t *testing.T) {
	m := message(t)
	m.Body = bytes.Repeat([]byte("x"), 4<<20)
	if err := newJob(t, shell("exit 0")).Handle(t.Context(), m); err != nil {
		t.Errorf("with its input unread: %v", err)
	}
	if err := newJob(t, shell("exec <&-; exit 0")).Handle(t.Context(), m); err != nil {
		t.Errorf("with its input closed: %v", err)
	}
	err := newJob(t, shell("cat; cat /dev/zero | head -c 3000000 >&2; echo; echo retry-after: 7; exit 75")).Handle(t.Context(), m)
	if consumertest.Verdict(err) != "after 7s" || !strings.Contains(err.Error(), "4194320 bytes on standard output, 3000000 on standard error") {
		t.Errorf("got %s: %v", consumertest.Verdict(err), err)
	}
}

func TestTail(t *testing.T) {
	var all []byte
	var got tail
	for i := range 5000 {
		b := bytes.Repeat([]byte{byte(i)}, i%37*i%911)
		all = append(all, b...)
		if n, err := got.Write(b); n != len(b) || err != nil {
			t.Fatal(n, err)
		}
		if !bytes.HasSuffix(all, got.bytes()) || len(got.bytes()) != min(len(all), maxOutput) || cap(got.kept) > 8*maxOutput {
			t.Fatalf("after %d bytes it keeps %d of %d", len(all), len(got.bytes()), cap(got.kept))
		}
	}
	if got.size != int64(len(all)) {
		t.Errorf("size %d, want %d", got.size, len(all))
	}
}

// What a program writes is logged only where the configuration says so; otherwise its size is.
func TestOutputIsLoggedOnRequestOnly(t *testing.T) {
	const script = "echo public; echo hush; printf 'first\nno such customer\n' >&2; exit 65"
	for _, logged := range []bool{false, true} {
		var written consumertest.Buffer
		o := shell(script, "argument-hush")
		o.LogOutput = logged
		c := config(o)
		c.Log = written.Logger()
		j, err := New(c)
		if err != nil {
			t.Fatal(err)
		}
		err = j.Handle(t.Context(), message(t))
		if got := strings.Contains(written.String(), "hush"); got != logged {
			t.Errorf("log_output %v: logged %s", logged, written.String())
		}
		want := "run sh: exit status 65 (12 bytes on standard output, 23 on standard error: set log_output to see it)"
		if logged {
			want = "run sh: exit status 65: no such customer"
		} else if !strings.Contains(written.String(), `"stdout_bytes":12,"stderr_bytes":23`) {
			t.Errorf("no sizes in %s", written.String())
		}
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestOptions(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "plain")
	if err := os.WriteFile(file, []byte("#!/bin/sh\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for says, o := range map[string]Options{
		"argv: missing":           {},
		"missing":                 {Argv: []string{""}},
		"NUL":                     {Argv: []string{"sh", "a\x00b"}},
		"executable file not":     {Argv: []string{"no-such-program-of-forebay"}},
		"no such file":            {Argv: []string{"./no-such-program"}, Dir: Path(dir)},
		"permission denied":       {Argv: []string{file}},
		"is a directory":          {Argv: []string{dir}},
		"dir: stat":               {Argv: []string{"sh"}, Dir: Path(filepath.Join(dir, "none"))},
		"is no folder":            {Argv: []string{"sh"}, Dir: Path(file)},
		"timeout:":                {Argv: []string{"sh"}, Timeout: -1},
		"grace:":                  {Argv: []string{"sh"}, Grace: -1},
		"max_retry_after:":        {Argv: []string{"sh"}, MaxRetryAfter: -1},
		`inherit: "A=B"`:          {Argv: []string{"sh"}, Inherit: []string{"A=B"}},
		`env: ""`:                 {Argv: []string{"sh"}, Env: map[string]string{"": "a"}},
		"env: FOREBAY_SEQ is not": {Argv: []string{"sh"}, Env: map[string]string{"FOREBAY_SEQ": "1"}},
		"env: TRACEPARENT is not": {Argv: []string{"sh"}, Env: map[string]string{"TRACEPARENT": "1"}},
		"env: A has a NUL":        {Argv: []string{"sh"}, Env: map[string]string{"A": "hush\x00"}},
	} {
		_, err := New(config(o))
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "hush") {
			t.Errorf("got %v, want an error that says %q", err, says)
		}
	}
}

// A relative program is one of the working folder. One that has gone since is another attempt, not a dead letter.
func TestProgramOfTheWorkingFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "bin"), 0o700); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bin", "sync")
	if err := os.WriteFile(program, []byte("#!/bin/sh\necho done >./mark\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, Options{Argv: []string{"bin/sync"}, Dir: Path(dir)})
	if err := j.Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mark")); err != nil {
		t.Error(err)
	}
	if err := os.Remove(program); err != nil {
		t.Fatal(err)
	}
	if err := j.Handle(t.Context(), message(t)); consumertest.Verdict(err) != "retry" {
		t.Errorf("got %v", err)
	}
}
