package cache_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A server is a real redis-server on a free port of the loopback that lives as long as its test, or until stop.
type server struct {
	t    *testing.T
	port int
	args []string
	run  *exec.Cmd
	done chan error
}

func startRedis(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{t: t, port: freePort(t), args: args}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func (s *server) addr() string { return fmt.Sprintf("127.0.0.1:%d", s.port) }

func (s *server) url() string { return "redis://" + s.addr() + "/0" }

// client is one of the test's own, for what the job is to see.
func (s *server) client() *redis.Client {
	c := redis.NewClient(&redis.Options{Addr: s.addr()})
	s.t.Cleanup(func() { c.Close() })
	return c
}

// start returns once the server takes connections.
func (s *server) start() {
	s.t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		s.t.Fatalf("cache's tests need a Redis server: Debian's package redis-server: %v", err)
	}
	folder := s.t.TempDir()
	log := filepath.Join(folder, "log")
	args := s.args
	if len(args) == 0 || !strings.HasSuffix(args[0], ".conf") { // a file of its own holds all this
		args = append([]string{"--port", fmt.Sprint(s.port), "--bind", "127.0.0.1", "--save", "", "--dir", folder}, s.args...)
	}
	s.run = exec.Command(program, append(args, "--logfile", log)...)
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.done = make(chan error, 1)
	go func(run *exec.Cmd, done chan error) { done <- run.Wait() }(s.run, s.done)
	eventually(s.t, "redis-server to listen", func() bool {
		conn, err := net.Dial("tcp", s.addr())
		if err != nil {
			select {
			case <-s.done:
				text, _ := os.ReadFile(log)
				s.t.Fatalf("redis-server ended: %s", text)
			default:
			}
			return false
		}
		return conn.Close() == nil
	})
}

func (s *server) stop() {
	if s.run == nil {
		return
	}
	if s.run.Process.Kill() == nil {
		<-s.done
	}
	s.run = nil
}

// startCluster makes three masters with a third of the slots each.
func startCluster(t *testing.T) (addresses []string) {
	t.Helper()
	var nodes []*server
	for range 3 {
		bus := fmt.Sprint(freePort(t)) // the default, port + 10000, may be out of range
		nodes = append(nodes, startRedis(t, "--cluster-enabled", "yes", "--cluster-port", bus))
	}
	ctx := t.Context()
	for i, n := range nodes {
		from, to := i*16384/3, (i+1)*16384/3-1
		if err := n.client().ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			t.Fatal(err)
		}
		err := n.client().Do(ctx, "CLUSTER", "SET-CONFIG-EPOCH", i+1).Err()
		if err != nil {
			t.Fatal(err)
		}
		addresses = append(addresses, n.addr())
	}
	for _, n := range nodes[1:] {
		bus := n.args[len(n.args)-1]
		if err := nodes[0].client().Do(ctx, "CLUSTER", "MEET", "127.0.0.1", fmt.Sprint(n.port), bus).Err(); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range nodes {
		eventually(t, "the cluster to form", func() bool {
			info, err := n.client().ClusterInfo(context.Background()).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:3")
		})
	}
	return addresses
}

// startSentinel makes a Sentinel that watches a master by the name "main".
func startSentinel(t *testing.T, master *server) *server {
	t.Helper()
	s := &server{t: t, port: freePort(t)}
	file := filepath.Join(t.TempDir(), "sentinel.conf")
	text := fmt.Sprintf("port %d\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 %d 1\n", s.port, master.port)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.args = []string{file, "--sentinel"}
	s.start()
	t.Cleanup(s.stop)
	return s
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}
