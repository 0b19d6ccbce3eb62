package consumertest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

// patience is longer than anything takes that goes right, on the slowest machine.
const patience = 30 * time.Second

// Poll tries until there is no error. After so long it gives the last one.
func Poll(limit time.Duration, try func() error) error {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.After(limit)
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-end:
			return fmt.Errorf("after %s: %w", limit, err)
		}
	}
}

// Eventually waits until it is so, and ends the test if that takes half a minute.
func Eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	err := Poll(patience, func() error {
		if !so() {
			return errors.New("not yet")
		}
		return nil
	})
	if err != nil {
		t.Fatalf("waited in vain for %s", what)
	}
}

// Background runs f until the test ends or stop is called, which both wait for its end. It must end without an error.
func Background(t testing.TB, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}
