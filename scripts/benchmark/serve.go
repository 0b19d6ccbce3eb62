package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// serveCommand is a contestant at work that is not forebay.
type serveCommand struct {
	Dir  string `required:""`
	Name string `arg:""`
}

// Run serves until ctx ends. It announces itself as forebay does.
func (c serveCommand) Run(ctx context.Context, w *world) error {
	chosen, err := choose([]string{c.Name})
	if err != nil {
		return err
	}
	if chosen[0].handler == nil {
		return fmt.Errorf("%s does not run in this program", c.Name)
	}
	handler, nats, err := chosen[0].handler(c.Dir)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	log := slog.New(slog.NewJSONHandler(w.stderr, nil))
	log.Info(saysSource, "url", "http://"+listener.Addr().String()+path)
	log.Info(saysReady, "nats", nats)
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
