package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A server is nats-server as a process of its own, with JetStream on disk.
type server struct {
	program string
	url     string // the same from start to start
	store   string // the folder of JetStream
	logFile string
	process *process
}

// newServer prepares one in a folder; start starts it.
func newServer(p *prover, dir string) (*server, error) {
	free, err := freeAddresses(1)
	if err != nil {
		return nil, err
	}
	return &server{
		program: p.NATS, url: "nats://" + free[0],
		store: filepath.Join(dir, "server"), logFile: filepath.Join(dir, "server.log"),
	}, nil
}

// start returns once JetStream answers.
func (s *server) start(ctx context.Context) error {
	address, port, err := net.SplitHostPort(host(s.url))
	if err != nil {
		return err
	}
	if s.process, err = launch(s.logFile, nil, s.program, "-js", "-sd", s.store, "-a", address, "-p", port); err != nil {
		return fmt.Errorf("start nats-server: %w", err)
	}
	err = poll(ctx, startTime, func() error {
		js, err := connect(s.url, nats.Timeout(time.Second))
		if err != nil {
			return err
		}
		defer js.Conn().Close()
		_, err = js.AccountInfo(ctx)
		return err
	})
	if err != nil {
		return fmt.Errorf("start nats-server: %w", err)
	}
	return nil
}

// connect gives the JetStream of a server. Whoever asked closes its connection.
func connect(url string, o ...nats.Option) (jetstream.JetStream, error) {
	nc, err := nats.Connect(url, o...)
	if err != nil {
		return nil, err
	}
	return jetstream.New(nc)
}

func (s *server) alive() bool { return s.process.alive() }

// kill ends it as a power cut does, stop as an operator does.
func (s *server) kill() { s.process.kill() }

func (s *server) stop() error {
	// Asked to end, nats-server ends with 1.
	if err := s.process.stop(); err != nil && s.alive() {
		return fmt.Errorf("stop nats-server: %w", err)
	}
	return nil
}

// pause holds it as it is: connections stand, and nothing is answered.
func (s *server) pause() error  { return s.process.signal(syscall.SIGSTOP) }
func (s *server) resume() error { return s.process.signal(syscall.SIGCONT) }

// replaceStore puts a copy in the place of JetStream's folder, or nothing. The server must not run.
func replaceStore(store, copied string) error {
	if err := os.RemoveAll(store); err != nil {
		return err
	}
	if copied == "" {
		return nil
	}
	return os.CopyFS(store, os.DirFS(copied))
}

// copyStore copies JetStream's folder as it is at one moment: whoever writes to it is held meanwhile.
func copyStore(holder *process, store, to string) (err error) {
	if err := holder.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() {
		if e := holder.signal(syscall.SIGCONT); err == nil {
			err = e
		}
	}()
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	return os.CopyFS(to, os.DirFS(store))
}
