package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
)

// closers are called in reverse, as with defer.
type closers []func() error

func (c *closers) add(f func() error) { *c = append(*c, f) }

func (c *closers) close() (err error) {
	for _, f := range slices.Backward(*c) {
		err = errors.Join(err, f())
	}
	return err
}

// ignoreClosed closes what may be closed already.
func ignoreClosed(f func() error) func() error {
	return func() error {
		if err := f(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// tasks are what runs at the same time. The first that fails is told on failed.
type tasks struct {
	failed chan error
	all    []*task
}

func newTasks() *tasks { return &tasks{failed: make(chan error, 16)} }

// A task is a function that runs until its context ends.
type task struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func (t *tasks) start(name string, run func(context.Context) error) *task {
	ctx, cancel := context.WithCancel(context.Background())
	one := &task{cancel: cancel, ended: make(chan struct{})}
	t.all = append(t.all, one)
	go func() {
		defer close(one.ended)
		if err := run(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.failed <- fmt.Errorf("%s: %w", name, err)
		}
	}()
	return one
}

func (t *task) stop() error {
	t.cancel()
	<-t.ended
	return nil
}

func (t *tasks) stop() (err error) {
	for _, one := range t.all {
		err = errors.Join(err, one.stop())
	}
	return err
}

func newTLSListener(l net.Listener, c *tls.Config) net.Listener { return tls.NewListener(l, c) }
