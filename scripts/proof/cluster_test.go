package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// What is written while a link is cut arrives when it is healed, on the connection that was there all the while.
func TestLinkHoldsWhatIsSentWhileItIsCut(t *testing.T) {
	echo, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer echo.Close()
	go func() {
		if c, err := echo.Accept(); err == nil {
			_, _ = io.Copy(c, c)
		}
	}()
	l, err := newLink(&node{}, &node{route: echo.Addr().String()})
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	c, err := net.Dial("tcp", l.address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	say := func(text string) {
		if _, err := io.WriteString(c, text); err != nil {
			t.Fatal(err)
		}
	}
	hear := func(wait time.Duration) (string, error) {
		buffer := make([]byte, 16)
		if err := c.SetReadDeadline(time.Now().Add(wait)); err != nil {
			t.Fatal(err)
		}
		n, err := c.Read(buffer)
		return string(buffer[:n]), err
	}
	say("one")
	if got, err := hear(5 * time.Second); got != "one" {
		t.Fatalf("got %q, %v", got, err)
	}
	l.cut(true)
	say("two")
	if got, err := hear(100 * time.Millisecond); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("cut: got %q, %v", got, err)
	}
	l.cut(false)
	if got, err := hear(5 * time.Second); got != "two" {
		t.Fatalf("healed: got %q, %v", got, err)
	}
}

// A balancer passes over who cannot be reached, and says 502 where a connection broke under a request.
func TestBalancer(t *testing.T) {
	var got string
	well := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = r.RequestURI + " " + r.Header.Get("Signature") + " " + string(body)
		w.Header().Set("Forebay-Stored", "journal")
		w.WriteHeader(http.StatusAccepted)
	}))
	defer well.Close()
	breaks := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer breaks.Close()
	free, err := freeAddresses(1)
	if err != nil {
		t.Fatal(err)
	}
	dead := "http://" + free[0]

	for _, both := range [][]string{{dead, well.URL}, {well.URL, dead}} { // whoever is first in turn
		if status := through(t, both...); status != http.StatusAccepted || got != "/webhooks/a%2Fb?c s body" {
			t.Errorf("one is dead: %d, and the other got %q", status, got)
		}
	}
	if status := through(t, breaks.URL, breaks.URL); status != http.StatusBadGateway {
		t.Errorf("broken: %d", status)
	}
	if status := through(t, dead, dead); status != http.StatusBadGateway {
		t.Errorf("all are dead: %d", status)
	}
}

// through sends a request through a balancer to these.
func through(t *testing.T, backends ...string) (status int) {
	t.Helper()
	b, err := newBalancer(backends...)
	if err != nil {
		t.Fatal(err)
	}
	defer b.close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/webhooks/a%2Fb?c", strings.NewReader("body"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Signature", "s")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode
}
