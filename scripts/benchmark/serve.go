package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime"
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
	admin, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	operator := &http.Server{Handler: http.HandlerFunc(countMallocs), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = operator.Serve(admin) }() // who asks for a figure and gets none says so
	context.AfterFunc(ctx, func() { _, _ = server.Close(), operator.Close() })
	log := slog.New(slog.NewJSONHandler(w.stderr, nil))
	log.Info(saysSource, "url", "http://"+listener.Addr().String()+path)
	log.Info(saysReady, "nats", nats, "admin", "http://"+admin.Addr().String())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// countMallocs answers as forebay's admin listener does, with the one metric that is asked for.
func countMallocs(w http.ResponseWriter, _ *http.Request) {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	fmt.Fprintf(w, "%s %d\n", mallocsMetric, m.Mallocs)
}
