package otp

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"
)

// A server that takes the connection and says nothing does not keep an attempt from being broken off, as at a stop.
func TestServerThatDoesNotGreet(t *testing.T) {
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	taken := make(chan net.Conn, 1)
	go func() {
		if conn, err := l.Accept(); err == nil {
			taken <- conn
		}
	}()
	m, err := newMailer(SMTP{Host: "127.0.0.1", Port: portOf(l), TLS: tlsNone, From: "no-reply@example.com", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- m.deliver(ctx, &letter{to: "ada@example.com"}, func(context.Context) error { return nil }) }()
	defer (<-taken).Close()
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || errors.As(err, new(doubtError)) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the greeting")
	}
}
