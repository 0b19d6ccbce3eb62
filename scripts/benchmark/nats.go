package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// natsCommand is a NATS server with JetStream as it comes, in a process of its own.
type natsCommand struct {
	Dir  string `required:""`
	Port int    `required:""`
}

// Run serves until ctx ends. It announces itself as forebay does.
func (c natsCommand) Run(ctx context.Context, w *world) error {
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: c.Port, JetStream: true, StoreDir: c.Dir, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return err
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		return errors.New("nats-server is not ready")
	}
	slog.New(slog.NewJSONHandler(w.stderr, nil)).Info(saysReady, "nats", s.ClientURL())
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return nil
}

// A natsServer is one that can be stopped, and started again on the same port and store.
type natsServer struct {
	*process // nil: it does not run
	b        *benchmark
	dir, url string
	port     int
}

// newNATS finds a port and a folder for a server. It does not start it.
func (b *benchmark) newNATS(name string) (*natsServer, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	n := &natsServer{b: b, dir: filepath.Join(b.dir, name), url: fmt.Sprintf("nats://127.0.0.1:%d", port), port: port}
	return n, os.Mkdir(n.dir, 0o700)
}

// freePort finds a port below those that systems give to outgoing connections, so that none takes it meanwhile.
func freePort() (int, error) {
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return port, l.Close()
		}
	}
	return 0, errors.New("no port is free")
}

// startNATS is newNATS, started.
func (b *benchmark) startNATS(ctx context.Context, name string) (*natsServer, error) {
	n, err := b.newNATS(name)
	if err != nil {
		return nil, err
	}
	return n, n.start(ctx)
}

func (n *natsServer) start(ctx context.Context) (err error) {
	n.process, err = n.b.self(ctx, "nats", "--dir", n.dir, "--port", strconv.Itoa(n.port))
	return err
}
