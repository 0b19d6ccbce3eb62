package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// A daemon is "forebay serve" in a process of its own, in a folder with a forebay.yaml.
type daemon struct {
	dir   string
	admin string
	nats  string // the URL of the embedded server, or of the one that a test has put here
	env   []string
	cmd   *exec.Cmd
}

// newDaemon makes a folder with a configuration. It is killed when the test ends; the log is shown if that failed.
func newDaemon(t *testing.T, yaml string) *daemon {
	t.Helper()
	d := &daemon{dir: t.TempDir()}
	ports := map[string]string{"HTTP": freePort(), "ADMIN": freePort(), "NATS": freePort()}
	d.admin, d.nats = "127.0.0.1:"+ports["ADMIN"], "nats://127.0.0.1:"+ports["NATS"]
	text := os.Expand(yaml, func(name string) string { return ports[name] })
	if err := os.WriteFile(d.config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		d.kill()
		if text := d.logText(); t.Failed() {
			t.Logf("the end of its log:\n%s", text[max(0, len(text)-5000):])
		}
	})
	return d
}

func (d *daemon) config() string { return filepath.Join(d.dir, "forebay.yaml") }
func (d *daemon) log() string    { return filepath.Join(d.dir, "serve.log") }

// start returns once the process runs. The log is appended to.
func (d *daemon) start(args ...string) error {
	log, err := os.OpenFile(d.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	d.cmd = exec.Command("forebay", append([]string{"serve"}, args...)...)
	d.cmd.Dir, d.cmd.Stdout, d.cmd.Stderr = d.dir, log, log
	d.cmd.Env = append(os.Environ(), d.env...)
	return d.cmd.Start()
}

// awaitReady waits until deliveries are accepted.
func (d *daemon) awaitReady() error {
	return poll(func() error {
		if err := d.cmd.Process.Signal(syscall.Signal(0)); err != nil {
			return fmt.Errorf("forebay serve ended: %s", d.logText())
		}
		r, err := http.Get("http://" + d.admin + "/readyz")
		if err != nil {
			return fmt.Errorf("%w: %s", err, d.logText())
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("/readyz answers %d", r.StatusCode)
		}
		return nil
	})
}

func (d *daemon) logText() string {
	text, err := os.ReadFile(d.log())
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// run starts it and waits until it is ready.
func (d *daemon) run(t *testing.T) {
	t.Helper()
	if err := errors.Join(d.start(), d.awaitReady()); err != nil {
		t.Fatal(err)
	}
}

func (d *daemon) signal(name string) error {
	signals := map[string]os.Signal{"HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL, "TERM": syscall.SIGTERM}
	return d.cmd.Process.Signal(signals[name])
}

// stop ends it as an operator does. What it says about itself is its exit code.
func (d *daemon) stop() error {
	if err := d.signal("TERM"); err != nil {
		return err
	}
	cmd := d.cmd
	d.cmd = nil
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("forebay serve: %w: %s", err, d.logText())
	}
	return nil
}

// kill ends it as a power cut does. Killing what does not run does nothing.
func (d *daemon) kill() {
	if d.cmd == nil || d.cmd.Process == nil {
		return
	}
	_ = d.cmd.Process.Kill()
	_ = d.cmd.Wait()
	d.cmd = nil
}

// poll tries until there is no error, or the deadline has passed.
func poll(try func() error) error { return consumertest.Poll(deadline, try) }

var taken sync.Map // ports that were given out

// freePort finds a port that nobody listens on and that was not given out before.
func freePort() string {
	for {
		port := strconv.Itoa(consumertest.FreePort())
		if _, before := taken.LoadOrStore(port, true); !before {
			return port
		}
	}
}

// setting is what a variable of the environment says: the long form of a test. Without it the tests stay fast.
func setting[T any](t *testing.T, name string, short T, parse func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return short
	}
	value, err := parse(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}
