package otp

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// A server that falls silent while we connect and log in does not keep an attempt from being broken off, as at a stop.
func TestServerThatFallsSilent(t *testing.T) {
	l, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	silent := make(chan error, 1)
	go func() { silent <- fallSilent(l) }()
	m, err := newMailer(SMTP{Host: "127.0.0.1", Port: portOf(l), TLS: tlsNone, From: "no-reply@example.com", Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- m.deliver(ctx, &letter{to: "ada@example.com"}, func(context.Context) error { return nil })
	}()
	if err := <-silent; err != nil {
		t.Fatal(err)
	}
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) || errors.As(err, new(doubtError)) {
			t.Errorf("got %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it waits for the server")
	}
}

// fallSilent greets a client and answers nothing from then on.
func fallSilent(l net.Listener) error {
	conn, err := l.Accept()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(conn, "220 localhost\r\n"); err != nil {
		return err
	}
	hello, err := bufio.NewReader(conn).ReadString('\n')
	if err == nil && !strings.HasPrefix(hello, "EHLO") {
		err = fmt.Errorf("%q, want EHLO", hello)
	}
	return err
}
