package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// The test binary is forebay itself where it is called by that name, in scripts and as a subprocess of other tests.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"forebay": main})
}

// forebayYAML is what scripts run with that bring no forebay.yaml. The ports come from the environment.
const forebayYAML = `
listen: 127.0.0.1:${HTTP}
admin: 127.0.0.1:${ADMIN}
nats: {listen: "127.0.0.1:${NATS}"}
limits: {rate: 100000/s, burst: 100000}
sources:
  ssofy: {provider: ssofy, secrets: [invented-secret-of-ssofy]}
  mgpass: {provider: mgpass, secrets: [invented-secret-of-mgpass]}
`

// Scripts run the binary end to end. Beside testscript's own commands they have:
//
//	serve             starts "forebay serve" and waits until it is ready; its log goes to serve.log
//	stop-serve        SIGTERM, and waits; it must end with exit code 0
//	signal NAME       sends HUP to it
//	kill-serve        SIGKILL, and waits
//	await FILE RE     waits until the file says so
//	code N CMD...     runs a program that must end with that exit code
//	get URL           prints status and body
//	post FILE [PATH]  sends HTTP text as "send --print" makes it, and prints status and body
//	let NAME RE       sets a variable to what the group matches in the last output
//	neglect NAME N    plain nats.go: takes so many hand-overs from a durable and answers none
//	take NAME N       plain nats.go: acknowledges so many events of a durable, no more being there, and prints subjects
//	hook FILE         starts an HTTP server at $HOOK that writes what it gets to a file, a line a request
//	until RE CMD...   repeats a program until its output matches
//	! absent TEXT F   whether the text is in a file, or in a file of a folder
func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata/script",
		RequireUniqueNames: true,
		Setup:              setupScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": scriptServe, "stop-serve": scriptStop, "kill-serve": scriptKill, "signal": scriptSignal,
			"await": scriptAwait, "code": scriptCode,
			"get": scriptGet, "post": scriptPost, "let": scriptLet, "absent": scriptAbsent,
			"neglect": scriptNeglect, "take": scriptTake, "until": scriptUntil, "hook": scriptHook,
		},
	})
}

type daemonKey struct{}

func setupScript(e *testscript.Env) error {
	for _, name := range []string{"HTTP", "ADMIN", "NATS"} {
		e.Setenv(name, freePort())
	}
	e.Values[daemonKey{}] = &daemon{dir: e.WorkDir}
	path := filepath.Join(e.WorkDir, "forebay.yaml")
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	return os.WriteFile(path, []byte(forebayYAML), 0o600)
}

func scriptServe(ts *testscript.TestScript, _ bool, args []string) {
	d := ts.Value(daemonKey{}).(*daemon)
	d.admin = "127.0.0.1:" + ts.Getenv("ADMIN")
	for _, name := range []string{"HTTP", "ADMIN", "NATS"} {
		d.env = append(d.env, name+"="+ts.Getenv(name))
	}
	ts.Defer(d.kill)
	ts.Check(d.start(args...))
	ts.Check(d.awaitReady())
}

func scriptStop(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(ts.Value(daemonKey{}).(*daemon).stop())
}

func scriptKill(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Value(daemonKey{}).(*daemon).kill()
}

func scriptSignal(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Value(daemonKey{}).(*daemon).signal(args[0]))
}

func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(poll(func() error { return matches(ts.ReadFile(args[0]), args[1]) }))
}

func matches(text, pattern string) error {
	if !regexp.MustCompile("(?m)" + pattern).MatchString(text) {
		return fmt.Errorf("it does not say %q: %s", pattern, text)
	}
	return nil
}

func scriptCode(ts *testscript.TestScript, _ bool, args []string) {
	var want int
	_, err := fmt.Sscan(args[0], &want)
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := err.(interface{ ExitCode() int }); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func scriptGet(ts *testscript.TestScript, _ bool, args []string) {
	response, err := http.Get(args[0])
	ts.Check(err)
	ts.Check(printResponse(ts.Stdout(), response))
}

func scriptPost(ts *testscript.TestScript, _ bool, args []string) {
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(ts.ReadFile(args[0]))))
	ts.Check(err)
	if len(args) > 1 {
		r.URL.Path = args[1]
	}
	r.URL.Scheme, r.URL.Host, r.RequestURI = "http", r.Host, ""
	response, err := http.DefaultClient.Do(r)
	ts.Check(err)
	ts.Check(printResponse(ts.Stdout(), response))
}

func printResponse(w io.Writer, r *http.Response) error {
	defer r.Body.Close()
	fmt.Fprintln(w, r.StatusCode)
	_, err := io.Copy(w, r.Body)
	return err
}

func scriptLet(ts *testscript.TestScript, _ bool, args []string) {
	match := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if match == nil {
		ts.Fatalf("the last output does not match %q", args[1])
	}
	ts.Setenv(args[0], match[1])
}

func scriptAbsent(ts *testscript.TestScript, neg bool, args []string) {
	if args[0] == "" {
		ts.Fatalf("absent: no text")
	}
	found := ""
	for _, root := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(root), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if bytes.Contains(text, []byte(args[0])) {
				found = path
			}
			return err
		}))
	}
	if (found != "") != neg {
		ts.Fatalf("%q is in %q", args[0], found)
	}
}

// call runs forebay inside the test.
func call(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	return callWith(t.Context(), "", args...)
}

func callWith(ctx context.Context, stdin string, args ...string) (stdout, stderr string, code int) {
	var out, errors bytes.Buffer
	code = run(ctx, args, os.Getenv, strings.NewReader(stdin), &out, &errors)
	return out.String(), errors.String(), code
}

// deadline bounds every wait of these tests.
const deadline = 20 * time.Second
