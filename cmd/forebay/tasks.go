package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
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
	failed  chan error
	cancel  []context.CancelFunc
	running sync.WaitGroup
}

func newTasks() *tasks { return &tasks{failed: make(chan error, 16)} }

// start runs a function until its context ends.
func (t *tasks) start(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = append(t.cancel, cancel)
	t.running.Go(func() {
		if err := run(ctx); err != nil && !errors.Is(err, http.ErrServerClosed) {
			t.failed <- fmt.Errorf("%s: %w", name, err)
		}
	})
}

// stop ends them all, and gives what went wrong since the first failure was taken.
func (t *tasks) stop() (err error) {
	for _, cancel := range t.cancel {
		cancel()
	}
	t.running.Wait()
	close(t.failed)
	for failure := range t.failed {
		err = errors.Join(err, failure)
	}
	return err
}
