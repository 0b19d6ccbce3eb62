package consumertest

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Redis is a redis-server of its own, by Debian's package redis-server. Its methods are for the test's own goroutine.
type Redis struct {
	Port int
	Args []string // beyond those of a plain server; the first may be a configuration file, which then says everything

	t    testing.TB
	run  *exec.Cmd // nil: stopped
	done chan error
}

// StartRedis runs a server until the test ends.
func StartRedis(t testing.TB, args ...string) *Redis {
	t.Helper()
	return StartRedisOn(t, FreePort(), args...)
}

// StartRedisOn runs a server on a port that was chosen before, as a configuration file needs it.
func StartRedisOn(t testing.TB, port int, args ...string) *Redis {
	t.Helper()
	r := &Redis{Port: port, Args: args, t: t}
	r.Start()
	t.Cleanup(r.Stop)
	return r
}

// Addr is "127.0.0.1:41873".
func (r *Redis) Addr() string { return fmt.Sprintf("127.0.0.1:%d", r.Port) }

// URL is "redis://127.0.0.1:41873/0".
func (r *Redis) URL() string { return "redis://" + r.Addr() + "/0" }

// Client is one of the test's own. It is closed when the test ends.
func (r *Redis) Client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: r.Addr()})
	r.t.Cleanup(func() { _ = c.Close() })
	return c
}

// Start starts a stopped server, empty, and returns once it takes connections.
func (r *Redis) Start() {
	r.t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		r.t.Fatalf("this test needs a Redis server: Debian's package redis-server: %v", err)
	}
	folder := r.t.TempDir()
	log := filepath.Join(folder, "log")
	args := r.Args
	if len(args) == 0 || !strings.HasSuffix(args[0], ".conf") {
		args = append([]string{"--port", fmt.Sprint(r.Port), "--bind", "127.0.0.1", "--save", "", "--dir", folder}, args...)
	}
	r.run = exec.Command(program, append(args, "--logfile", log)...)
	if err := r.run.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.done = make(chan error, 1)
	go func(run *exec.Cmd, done chan error) { done <- errors.Join(errors.New("exit"), run.Wait()) }(r.run, r.done)
	if err := until(r.ping, r.done); err != nil {
		text, _ := os.ReadFile(log)
		r.t.Fatalf("redis-server: %v: %s", err, text)
	}
}

func (r *Redis) ping() error {
	conn, err := net.Dial("tcp", r.Addr())
	if err != nil {
		return err
	}
	return conn.Close()
}

// Stop kills the server. Stopping a stopped server does nothing.
func (r *Redis) Stop() {
	if r.run == nil {
		return
	}
	if r.run.Process.Kill() == nil {
		<-r.done
	}
	r.run = nil
}
