package main

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/mgpass"
)

// What the load sends is what mgPass sends: the provider verifies and reads it, and no ID comes twice.
func TestMessagesAreSignedAndUnique(t *testing.T) {
	p, err := mgpass.New(provider.Config{Source: sourceName, Secrets: []string{secret}, Path: path})
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, native := range []string{nativeLogin, nativeLogin, nativeRevoked} { // three connections
		m := newMessage("127.0.0.1:1", path, native, 512)
		for range 300 {
			r := parse(t, m.next())
			if err := p.Verify(r); err != nil {
				t.Fatal(err)
			}
			events, err := p.Decode(r)
			if err != nil || len(events) != 1 {
				t.Fatalf("Decode: %d events, %v", len(events), err)
			}
			if id := events[0].ID; seen[id] || id != m.id() {
				t.Fatalf("ID %s comes twice, or is not %s", id, m.id())
			}
			if got := string(events[0].Action); got != actionOf(native) {
				t.Fatalf("action %s, want %s", got, actionOf(native))
			}
			seen[events[0].ID] = true
		}
	}
}

func TestMessagesHaveTheSizeAskedFor(t *testing.T) {
	for _, size := range []int{384, 512, 8192} {
		if got := len(parse(t, newMessage("127.0.0.1:1", path, nativeLogin, size).next()).Body); got != size {
			t.Errorf("a body of %d bytes has %d", size, got)
		}
	}
}

func parse(t *testing.T, text []byte) provider.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
}
