package ingress_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

const head = "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-Signature: right\r\n"

// TestBodies: what the provider sees is what was sent, however it was sent.
func TestBodies(t *testing.T) {
	var seen string
	var held int
	b := newBench(t, fake{decode: func(r provider.Request) ([]schema.Event, error) {
		seen, held = string(r.Body), cap(r.Body)
		return nil, nil
	}})
	for _, size := range []int{0, 1, 511, 512, 4096, 64 << 10, 64<<10 + 1, 1<<20 - 1, 1 << 20} {
		want := strings.Repeat("\x00é\r\n", size/5+1)[:size]
		for name, body := range map[string]io.Reader{
			"length": strings.NewReader(want), "chunks": struct{ io.Reader }{strings.NewReader(want)},
		} {
			if got := b.send("POST", path, body); got.status != 200 || seen != want {
				t.Errorf("%s of %d bytes: got %d, %d bytes seen", name, size, got.status, len(seen))
			}
			if most := max(2*size+1, 64<<10); held > min(most, 1<<20+1) {
				t.Errorf("%s of %d bytes: %d bytes held", name, size, held)
			}
		}
	}
	over := strings.Repeat("x", 1<<20+1)
	for name, body := range map[string]io.Reader{
		"length": strings.NewReader(over), "chunks": struct{ io.Reader }{strings.NewReader(over)},
	} {
		if got := b.send("POST", path, body); got.status != 413 {
			t.Errorf("one byte over in %s: got %d, want 413", name, got.status)
		}
	}
}

// TestOversizeIsRefusedUnread: by Content-Length, before a byte of the body and without a 100 Continue.
func TestOversizeIsRefusedUnread(t *testing.T) {
	b := newBench(t, fake{})
	got := b.raw(head + "Content-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n")
	if got.status != 413 || !got.close {
		t.Errorf("got %d, close %v; want 413, true", got.status, got.close)
	}
}

func TestEndlessChunks(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) { b.config.Limits.Body = 1 << 16 })
	c, br := b.dial()
	go func() {
		fmt.Fprint(c, head+"Transfer-Encoding: chunked\r\n\r\n")
		for err := error(nil); err == nil; { // until the server hangs up
			_, err = fmt.Fprintf(c, "1000\r\n%s\r\n", strings.Repeat("x", 0x1000))
		}
	}()
	if got := b.answer(br); got.status != 413 {
		t.Errorf("got %d, want 413", got.status)
	}
}

func TestExpectContinue(t *testing.T) {
	b := newBench(t, fake{})
	c, br := b.dial()
	fmt.Fprint(c, head+"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
	line, err := br.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		t.Fatalf("got %q, %v; want 100 Continue", line, err)
	}
	if _, err := br.ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(c, `{"id":"1"}`)
	if got := b.answer(br); got.status != 200 {
		t.Errorf("got %d, want 200", got.status)
	}
}

func TestBodyThatEndsEarly(t *testing.T) {
	b := newBench(t, fake{})
	for name, text := range map[string]string{
		"length":      head + "Content-Length: 100\r\n\r\n{\"id\":\"1\"}",
		"long length": head + "Content-Length: 100000\r\n\r\n{\"id\":\"1\"}",
		"chunk":       head + "Transfer-Encoding: chunked\r\n\r\n64\r\n{\"id\":\"1\"}",
		"no end":      head + "Transfer-Encoding: chunked\r\n\r\na\r\n{\"id\":\"1\"}\r\n",
	} {
		c, br := b.dial()
		fmt.Fprint(c, text)
		if err := c.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got := b.answer(br); got.status != 400 {
			t.Errorf("%s: got %d, want 400", name, got.status)
		}
	}
	if n := len(b.messages()); n != 0 {
		t.Errorf("got %d messages, want none", n)
	}
}

// TestSlowSenders meet the server's timeouts, in the head and in the body, and store nothing.
func TestSlowSenders(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) {
		b.server.Config.ReadTimeout, b.server.Config.ReadHeaderTimeout = 500*time.Millisecond, 500*time.Millisecond
	})
	got := b.raw(head + "Content-Length: 100\r\n\r\n{\"id\":")
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("body: got %d with %v, want 503 with Retry-After", got.status, got.header)
	}
	c, br := b.dial()
	fmt.Fprint(c, "POST "+path+" HTTP/1.1\r\nHost: h\r\nX-Slow: ")
	if rest, err := io.ReadAll(br); err != nil || strings.Contains(string(rest), " 200 ") {
		t.Errorf("head: got %q, %v; want the connection closed", rest, err)
	}
	if n := len(b.messages()); n != 0 {
		t.Errorf("got %d messages, want none", n)
	}
}

// TestPipeline: several deliveries in one write are answered in order, each with its own body.
func TestPipeline(t *testing.T) {
	b := newBench(t, fake{})
	c, br := b.dial()
	var text strings.Builder
	for i := range 5 {
		fmt.Fprintf(&text, "%sContent-Length: 10\r\n\r\n{\"id\":\"%d\"}", head, i)
	}
	fmt.Fprint(c, text.String())
	for i := range 5 {
		if got := b.answer(br); got.status != 200 {
			t.Errorf("delivery %d: got %d, want 200", i, got.status)
		}
	}
	for i, m := range b.messages() {
		if want := fmt.Sprint("test/", i); m.ID != want {
			t.Errorf("message %d: got %s, want %s", i, m.ID, want)
		}
	}
}

// TestMalformedRequests: what is no HTTP is refused by the server, and nothing of it becomes a header or an event.
func TestMalformedRequests(t *testing.T) {
	b := newBench(t, fake{})
	for name, text := range map[string]string{
		"two lengths":         head + "Content-Length: 10\r\nContent-Length: 11\r\n\r\n{\"id\":\"1\"}x",
		"negative length":     head + "Content-Length: -1\r\n\r\n",
		"bare CR in a header": head + "X-A: a\rX-Signature: right\r\nContent-Length: 0\r\n\r\n",
		"NUL in a header":     head + "X-A: a\x00b\r\nContent-Length: 0\r\n\r\n",
		"blank in a name":     head + "X A: a\r\nContent-Length: 0\r\n\r\n",
		"CR LF in the target": strings.Replace(head, path, path+"\r\nX-A: b", 1) + "\r\n",
		"bad escape":          strings.Replace(head, path, path+"%zz", 1) + "\r\n",
		"huge header":         head + "X-A: " + strings.Repeat("a", 64<<10) + "\r\n\r\n",
	} {
		if got := b.raw("%s", text); got.status < 400 || got.status > 499 {
			t.Errorf("%s: got %d, want 4xx", name, got.status)
		}
	}
	got := b.raw("%s", strings.Replace(head, path, path+"%0d%0aX-Injected:%20yes", 1)+"Content-Length: 0\r\n\r\n")
	if got.status != 404 || got.header.Get("X-Injected") != "" {
		t.Errorf("escaped CR LF: got %d with %v", got.status, got.header)
	}
	if n := len(b.messages()); n != 0 {
		t.Errorf("got %d messages, want none", n)
	}
}
