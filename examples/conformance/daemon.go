package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// webhookSecret signs what the job webhook posts. It is invented.
const webhookSecret = "whsec_aW52ZW50ZWQtc2VjcmV0LWludmVudGVkLXNlY3JldA=="

// A daemon is "forebay serve" in a folder of its own.
type daemon struct {
	*program
	binary, dir             string
	http, admin, nats, hook string // host:port
	search                  string // a PATH with forebay in it: programs may call it to open what is sealed
}

// newDaemon writes its configuration.
func newDaemon(o options, dir, workURL string) (*daemon, error) {
	d := &daemon{binary: o.forebay, dir: dir, http: freeAddress(), admin: freeAddress(), nats: freeAddress(), hook: freeAddress()}
	d.search = "PATH=" + filepath.Dir(d.binary) + string(os.PathListSeparator) + lookUp(o.environ, "PATH")
	d.program = &program{
		argv: []string{d.binary, "--config", d.config(), "serve"}, log: filepath.Join(dir, "forebay.log"),
		env: append(o.environ[:len(o.environ):len(o.environ)], d.search),
	}
	text, err := json.MarshalIndent(map[string]any{ // which is YAML too
		"listen": d.http, "public_url": "http://" + d.http, "admin": d.admin, "nats": map[string]any{"listen": d.nats},
		"sources":   sources(),
		"consumers": map[string]any{durable: d.consumer(o, workURL)},
	}, "", "  ")
	if err != nil {
		return nil, err
	}
	return d, os.WriteFile(d.config(), text, 0o600)
}

func sources() map[string]any {
	all := map[string]any{}
	for _, provider := range []string{"asgardeo", "entrust", "mgpass", "scalekit", "ssofy"} {
		all[provider] = map[string]any{"provider": provider, "secrets": []string{webhookSecret}}
	}
	return all
}

func (d *daemon) consumer(o options, workURL string) map[string]any {
	c := map[string]any{
		"actions": []string{"otp.*", "user.*"}, "retry": []string{firstStep.String(), lastStep.String()},
		"max_attempts": maxAttempts, "max_age": maxAge.String(),
	}
	switch o.kind {
	case webhook:
		c["run"] = "webhook"
		c["webhook"] = map[string]any{"url": "http://" + d.hook + "/events", "secret": webhookSecret}
	case command:
		c["run"] = "command"
		c["command"] = map[string]any{
			"argv": o.argv, "log_output": true, "env": map[string]string{"WORK_URL": workURL, "SEAL_KEY": d.sealKey()},
		}
	}
	return c
}

func (d *daemon) config() string  { return filepath.Join(d.dir, "forebay.yaml") }
func (d *daemon) sealKey() string { return filepath.Join(d.dir, "data", "seal.jwk") }

func lookUp(environ []string, name string) string {
	for _, entry := range environ {
		if value, ok := strings.CutPrefix(entry, name+"="); ok {
			return value
		}
	}
	return ""
}

// start returns when deliveries are accepted.
func (d *daemon) start(ctx context.Context) error {
	if err := d.program.start(); err != nil {
		return err
	}
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if d.ready(ctx) {
			tick.Stop()
			return nil
		}
		if d.ended() || time.Now().After(deadline) || ctx.Err() != nil {
			tick.Stop()
			text, _ := os.ReadFile(d.log)
			return fmt.Errorf("forebay serve does not become ready: %s", text)
		}
	}
}

func (d *daemon) ready(ctx context.Context) bool {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.admin+"/readyz", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// call runs a command of forebay, which must end well, and gives what it prints.
func (d *daemon) call(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, d.binary, append([]string{"--config", d.config()}, args...)...).Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("forebay %s: %w: %s", strings.Join(args, " "), err, exit.Stderr)
	}
	return string(out), err
}

// freeAddress finds a port below those that systems give to outgoing connections.
func freeAddress() string {
	for {
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(10000+rand.IntN(20000)))
		l, err := net.Listen("tcp", address)
		if err == nil {
			_ = l.Close()
			return address
		}
	}
}
