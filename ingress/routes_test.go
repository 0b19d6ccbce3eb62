package ingress_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

const delivery = "POST %s HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nX-Signature: right\r\n" +
	"Content-Length: 10\r\nConnection: close\r\n\r\n{\"id\":\"1\"}"

// TestPathsAreExact: a path is a source's as it was written, or it is nobody's. Nothing is cleaned or redirected.
func TestPathsAreExact(t *testing.T) {
	var seen atomic.Value
	p := fake{verify: func(r provider.Request) error { seen.Store(r.URL.String()); return nil }}
	b := newBench(t, p, func(b *bench) {
		for i, path := range []string{"/", "/a%20b/%C3%A9", "/%C3%A9", "/a/../b", "/slash%2Fed", "/low%c3%a9", "/raw/ü"} {
			b.config.Sources = append(b.config.Sources,
				ingress.Source{Name: fmt.Sprint("s", i), ProviderName: "fake", Path: path, Provider: p})
		}
	})
	for target, want := range map[string]string{ // request target → the URL that the provider sees
		path:                       path,
		path + "?a=1&b=%2F":        path + "?a=1&b=%2F",
		path + "?":                 path + "?",
		"http://h" + path:          path,
		"http://h:80" + path + "?": path + "?",
		"http://h":                 "/",
		"/":                        "/",
		"/a%20b/%C3%A9":            "/a%20b/%C3%A9",
		"/%C3%A9":                  "/%C3%A9",
		"/é":                       "/%C3%A9",
		"/a/../b":                  "/a/../b",
		"/slash%2Fed":              "/slash%2Fed",
		"/low%c3%a9":               "/low%c3%a9",
		"/raw/%C3%BC":              "/raw/%C3%BC",
	} {
		if got := b.raw(delivery, target); got.status != 200 || seen.Load() != want {
			t.Errorf("%s: got %d and URL %v, want 200 and %s", target, got.status, seen.Load(), want)
		}
	}
	for _, target := range []string{
		path + "/", "/" + path, "//" + path, "/webhooks//test", "/webhooks/./test", "/x/..%2Fwebhooks/test",
		"/x/../webhooks/test", "/webhooks/tes%74", "/WEBHOOKS/test", "/webhooks", "/webhooks/", "/b", "/slash/ed",
		"/low%C3%A9", "/a%2520b/%C3%A9", path + "%00", path + "#x", "/webhooks/test;x", "*", "//", "http://h/x",
	} {
		if got := b.raw(delivery, target); got.status != 404 || got.header.Get("Location") != "" {
			t.Errorf("%s: got %d, Location %q; want 404", target, got.status, got.header.Get("Location"))
		}
	}
}

func TestServerHasNoAnswersOfItsOwn(t *testing.T) {
	b := newBench(t, fake{})
	if got := b.raw("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"); got.status != 404 {
		t.Errorf("OPTIONS *: got %d, want 404", got.status)
	}
}

// TestServerLogsNoWordsOfAPanic: they may repeat a request.
func TestServerLogsNoWordsOfAPanic(t *testing.T) {
	b := newBench(t, fake{})
	b.server.Config.Handler = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("hidden") })
	c, br := b.dial()
	fmt.Fprintf(c, delivery, path)
	if _, err := br.ReadByte(); err == nil {
		t.Error("got an answer, want a closed connection")
	}
	eventually(t, "a line", func() bool { return strings.Contains(b.log.String(), "handler panicked") })
	if strings.Contains(b.log.String(), "hidden") {
		t.Errorf("log: %s", b.log)
	}
}

// TestManySources: finding a source takes as long among ten thousand as among ten.
func TestManySources(t *testing.T) {
	find := func(n int) time.Duration {
		sources := make([]ingress.Source, n)
		for i := range sources {
			sources[i] = ingress.Source{Name: fmt.Sprint("s", i), Path: fmt.Sprint("/webhooks/s", i), Provider: fake{}}
		}
		in, err := ingress.New(ingress.Config{
			Sources: sources, Limits: ingress.Limits{Body: 1}, Store: fakeStore{}, Wire: schema.Wire{Prefix: "identity"},
		})
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(http.MethodGet, fmt.Sprint("/webhooks/s", n-1), nil)
		begun := time.Now()
		for range 2000 {
			in.ServeHTTP(httptest.NewRecorder(), r)
		}
		return time.Since(begun)
	}
	// Trying them in turn would take a thousand times as long.
	if few, many := find(10), find(10_000); many > 50*few {
		t.Errorf("got %s among 10,000 sources and %s among 10", many, few)
	}
}

// TestReload swaps sources under load: a source that stays loses no delivery, one that goes is 404, a bad table
// changes nothing.
func TestReload(t *testing.T) {
	b := newBench(t, fake{})
	stay, other := b.config.Sources[0], b.config.Sources[0]
	other.Name, other.Path = "other", "/webhooks/other"

	var senders sync.WaitGroup
	stop := make(chan struct{})
	var sent atomic.Int64
	for range 4 {
		senders.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if got := b.post(fmt.Sprintf(`{"id":"%d"}`, sent.Add(1))); got.status != 200 {
					t.Errorf("during reloads: got %d", got.status)
					return
				}
			}
		})
	}
	for i := range 200 {
		sources := []ingress.Source{stay}
		if i%2 == 0 {
			sources = append(sources, other)
		}
		if err := b.in.Reload(sources, b.config.Limits); err != nil {
			t.Fatal(err)
		}
		if err := b.in.Reload([]ingress.Source{stay, stay}, b.config.Limits); err == nil {
			t.Fatal("two sources of one name: got no error")
		}
	}
	eventually(t, "deliveries during reloads", func() bool { return sent.Load() > 100 })
	close(stop)
	senders.Wait()

	if n := int64(len(b.messages())); n != sent.Load() {
		t.Errorf("got %d messages of %d deliveries", n, sent.Load())
	}
	if got := b.send("POST", other.Path, strings.NewReader(`{"id":"1"}`)); got.status != 404 {
		t.Errorf("a source that went: got %d, want 404", got.status)
	}
	eventually(t, "counts outlive a reload", func() bool {
		return b.count("forebay_deliveries_total", "accepted", "test") == float64(sent.Load())
	})
}

// TestDrain: those under way finish, new ones are sent away.
func TestDrain(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	b := newBench(t, fake{verify: func(provider.Request) error { close(begun); <-finish; return nil }})
	answer := make(chan reply)
	go func() { answer <- b.post(`{"id":"1"}`) }()
	<-begun
	b.in.Drain()
	got := b.raw(strings.Replace(delivery, "Connection: close\r\n", "", 1), path)
	if got.status != 503 || got.header.Get("Retry-After") == "" || !got.close {
		t.Errorf("new delivery: got %d with %v, close %v", got.status, got.header, got.close)
	}
	if got := b.post(``); got.status != 503 {
		t.Errorf("new delivery: got %d, want 503", got.status)
	}
	close(finish)
	if got := <-answer; got.status != 200 {
		t.Errorf("delivery under way: got %d, want 200", got.status)
	}
	if n := len(b.messages()); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
}
