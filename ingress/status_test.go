package ingress_test

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// TestStatusTable goes through the table of design.md section 4, line by line.
func TestStatusTable(t *testing.T) {
	full := func(b *bench) {
		b.config.Store = fakeStore{func(context.Context, []schema.Message) (schema.Receipt, error) {
			return schema.Receipt{}, errors.New("disk full")
		}}
	}
	small := func(b *bench) { b.config.Limits.Body = 100 }
	post := func(body string, headers ...string) func(*bench) reply {
		return func(b *bench) reply { return b.post(body, headers...) }
	}
	send := func(method, path string) func(*bench) reply {
		return func(b *bench) reply { return b.send(method, path, strings.NewReader(`{"id":"1"}`)) }
	}
	ok, long := `{"id":"1"}`, `{"id":"`+strings.Repeat("x", 100)+`"}`
	chunked := func(b *bench) reply {
		return b.send("POST", path, struct{ *strings.Reader }{strings.NewReader(long)})
	}
	for _, c := range []struct {
		name     string
		provider provider.Provider
		change   func(*bench)
		do       func(*bench) reply
		status   int
		header   string // "Name: pattern"
		body     string // pattern
		outcome  string
		stored   int
	}{
		{"stored", fake{}, nil, post(ok), 200, `Forebay-Stored: ^journal$`, `^{}$`, "accepted", 1},
		{"parameters of the content type", fake{}, nil, post(ok, "Content-Type: Application/JSON; charset=utf-8"), 200, "", `^{}$`, "accepted", 1},
		{"identity encoding", fake{}, nil, post(ok, "Content-Encoding: identity"), 200, "", `^{}$`, "accepted", 1},
		{"no event", fake{decode: func(provider.Request) ([]schema.Event, error) { return nil, nil }}, nil, post(ok), 200, `Forebay-Stored: ^$`, `^{}$`, "accepted", 0},
		{"no such source", fake{}, nil, send("POST", "/webhooks/other"), 404, "", `no such source`, "", 0},
		{"get", fake{}, nil, send("GET", path), 405, `Allow: ^POST$`, `method`, "method", 0},
		{"put", fake{}, nil, send("PUT", path), 405, `Allow: ^POST$`, `method`, "method", 0},
		{"head", fake{}, nil, send("HEAD", path), 405, `Allow: ^POST$`, ``, "method", 0},
		{"options", fake{}, nil, send("OPTIONS", path), 405, `Allow: ^POST$`, `method`, "method", 0},
		{"too large", fake{}, small, post(long), 413, "", `limit of 100 bytes`, "too_large", 0},
		{"too large, in chunks", fake{}, small, chunked, 413, "", `limit of 100 bytes`, "too_large", 0},
		{"too large comes before the type", fake{}, small, post(long, "Content-Type: text/plain"), 413, "", `100`, "too_large", 0},
		{"type", fake{}, nil, post(ok, "Content-Type: text/plain"), 415, "", `content type`, "media_type", 0},
		{"no type", fake{}, nil, post(ok, "Content-Type: "), 415, "", `content type`, "media_type", 0},
		{"encoding", fake{}, nil, post(ok, "Content-Encoding: gzip"), 415, "", `encoding`, "media_type", 0},
		{"wrong signature", fake{}, nil, post(ok, "X-Signature: wrong"), 401, "Content-Type: ^application/json$", `^{"error":"not verified"}$`, "unverified", 0},
		{"no signature", fake{}, nil, post(ok, "X-Signature: "), 401, "", `not verified`, "unverified", 0},
		{"cannot be verified now", fake{verify: func(provider.Request) error { return provider.Unavailable(errors.New("no keys")) }}, nil, post(ok), 503, `Retry-After: ^[1-5]$`, "", "unavailable", 0},
		{"unreadable", fake{}, nil, post(`{}`), 200, `Forebay-Stored: ^journal$`, `^{}$`, "quarantined", 1},
		{"an event that is none", fake{decode: func(provider.Request) ([]schema.Event, error) { return []schema.Event{{ID: "1"}}, nil }}, nil, post(ok), 200, `Forebay-Stored: ^journal$`, `^{}$`, "quarantined", 1},
		{"cannot store", fake{}, full, post(ok), 503, `Retry-After: ^[1-5]$`, `again`, "unavailable", 0},
		{"cannot quarantine", fake{}, full, post(`{}`), 503, `Retry-After: ^[1-5]$`, `again`, "unavailable", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, c.provider, change(c.change))
			got := c.do(b)
			if got.status != c.status {
				t.Errorf("status: got %d, want %d", got.status, c.status)
			}
			if name, want, _ := strings.Cut(c.header, ": "); !regexp.MustCompile(want).MatchString(got.header.Get(name)) {
				t.Errorf("%s: got %q, want %s", name, got.header.Get(name), want)
			}
			if !regexp.MustCompile(c.body).MatchString(got.body) {
				t.Errorf("body: got %q, want %s", got.body, c.body)
			}
			if n := len(b.messages()); n != c.stored {
				t.Errorf("stored: got %d messages, want %d", n, c.stored)
			}
			if c.outcome != "" {
				eventually(t, "outcome "+c.outcome, func() bool {
					return b.count("forebay_deliveries_total", c.outcome, "test") == 1
				})
			}
		})
	}
}

func change(f func(*bench)) func(*bench) {
	if f == nil {
		return func(*bench) {}
	}
	return f
}

func TestDuplicateIsASuccess(t *testing.T) {
	b := newBench(t, fake{})
	for range 3 {
		got := b.post(`{"id":"1"}`)
		if got.status != 200 || got.header.Get("Forebay-Stored") != "journal" {
			t.Errorf("got %d, Forebay-Stored %q; want 200, journal", got.status, got.header.Get("Forebay-Stored"))
		}
	}
	if n := len(b.messages()); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
	eventually(t, "two duplicates", func() bool { return b.count("forebay_deliveries_total", "duplicate", "test") == 2 })
}

// TestProviderAnswers: a provider may choose its answers, and cannot make them lie.
func TestProviderAnswers(t *testing.T) {
	give := func(status int) func(provider.Request, provider.Outcome) provider.Answer {
		return func(_ provider.Request, o provider.Outcome) provider.Answer {
			return provider.Answer{Status: status, Header: http.Header{"X-Step": {string('0' + rune(o.Step))}}}
		}
	}
	for _, c := range []struct {
		name       string
		answer     int
		body, sign string
		status     int
		step       string
		stored     int
	}{
		{"accepted", 202, `{"id":"1"}`, signed, 202, "0", 1},
		{"accepted, left to us", 0, `{"id":"1"}`, signed, 200, "", 1},
		{"a stored delivery is never refused", 400, `{"id":"1"}`, signed, 200, "", 1},
		{"unverified", 400, `{"id":"1"}`, "no", 400, "1", 0},
		{"unverified, left to us", 0, `{"id":"1"}`, "no", 401, "", 0},
		{"unverified is never a success", 202, `{"id":"1"}`, "no", 401, "", 0},
		{"unverified is never gone", 410, `{"id":"1"}`, "no", 401, "", 0},
		{"unreadable, refused", 400, `{}`, signed, 400, "2", 0},
		{"unreadable, a success", 202, `{}`, signed, 202, "2", 1},
		{"unreadable, left to us", 0, `{}`, signed, 200, "", 1},
		{"unreadable is never gone", 410, `{}`, signed, 200, "", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, fakeAnswerer{answer: give(c.answer)})
			got := b.post(c.body, "X-Signature: "+c.sign)
			if got.status != c.status || got.header.Get("X-Step") != c.step {
				t.Errorf("got %d from step %q, want %d from %q", got.status, got.header.Get("X-Step"), c.status, c.step)
			}
			if n := len(b.messages()); n != c.stored {
				t.Errorf("got %d messages, want %d", n, c.stored)
			}
			if stored := got.header.Get("Forebay-Stored"); (stored == "journal") != (c.stored == 1) {
				t.Errorf("Forebay-Stored: got %q with %d messages", stored, c.stored)
			}
		})
	}
}

// TestHandshake: it comes before method and content type, stores nothing, and may decline.
func TestHandshake(t *testing.T) {
	p := fakeHandshaker{
		handshake: func(r provider.Request) (provider.Answer, bool) {
			challenge := r.URL.Query().Get("challenge")
			if challenge == "panic" {
				panic("secret")
			}
			if challenge == "final" {
				return provider.Answer{Status: 410}, true
			}
			return provider.Answer{Status: 200, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte(challenge)}, challenge != ""
		},
		accepts: provider.Accepts{Methods: []string{"GET", "POST"}},
	}
	b := newBench(t, p)
	for _, method := range []string{"GET", "POST"} {
		got := b.send(method, path+"?challenge=a%20b", nil, "Content-Type: ")
		if got.status != 200 || got.body != "a b" || got.header.Get("Forebay-Stored") != "" {
			t.Errorf("%s: got %d %q, stored %q", method, got.status, got.body, got.header.Get("Forebay-Stored"))
		}
	}
	for _, query := range []string{"", "?challenge=panic"} {
		got := b.send("GET", path+query, nil)
		if got.status != 405 || got.header.Get("Allow") != "GET, POST" {
			t.Errorf("GET %q: got %d, Allow %q", query, got.status, got.header.Get("Allow"))
		}
	}
	if got := b.send("GET", path+"?challenge=final", nil); got.status != 503 {
		t.Errorf("a handshake answered 410: got %d, want 503", got.status)
	}
	if got := b.post(`{"id":"1"}`); got.status != 200 {
		t.Errorf("delivery: got %d", got.status)
	}
	if n := len(b.messages()); n != 1 {
		t.Errorf("got %d messages, want 1", n)
	}
	if strings.Contains(b.log.String(), "secret") {
		t.Error("the log repeats what a panic said")
	}
}

// TestPanics: a provider's panic is a verdict about one delivery and nothing more.
func TestPanics(t *testing.T) {
	never := func(r provider.Request) { panic("the body says " + string(r.Body)) }
	for name, c := range map[string]struct {
		provider provider.Provider
		status   int
		stored   int
	}{
		"verify": {fake{verify: func(r provider.Request) error { never(r); return nil }}, 401, 0},
		"decode": {fake{decode: func(r provider.Request) ([]schema.Event, error) { never(r); return nil, nil }}, 200, 1},
		"nil map": {fake{decode: func(provider.Request) ([]schema.Event, error) {
			var none map[string]int
			none["x"]++ //nolint:staticcheck // it is the panic
			return nil, nil
		}}, 200, 1},
		"answer": {fakeAnswerer{answer: func(r provider.Request, _ provider.Outcome) provider.Answer { never(r); return provider.Answer{} }}, 200, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.provider)
			if got := b.post(`{"id":"tell-nobody"}`); got.status != c.status {
				t.Errorf("got %d, want %d", got.status, c.status)
			}
			if n := len(b.messages()); n != c.stored {
				t.Errorf("got %d messages, want %d", n, c.stored)
			}
			eventually(t, "a log line", func() bool { return strings.Contains(b.log.String(), "panic in ") })
			if log := b.log.String(); !strings.Contains(log, "ingress_test.") || strings.Contains(log, "the body says") {
				t.Errorf("log: want the place and not the words of the panic: %s", log)
			}
		})
	}
	b := newBench(t, fake{}, func(b *bench) {
		b.config.Store = fakeStore{func(context.Context, []schema.Message) (schema.Receipt, error) { panic("store") }}
	})
	if got := b.post(`{"id":"1"}`); got.status != 503 {
		t.Errorf("store panics: got %d, want 503", got.status)
	}
}

func TestNewRefuses(t *testing.T) {
	good := func() ingress.Config {
		return ingress.Config{
			Sources: []ingress.Source{{Name: "test", ProviderName: "fake", Path: path, Provider: fake{}}},
			Limits:  ingress.Limits{Body: 1}, Store: fakeStore{}, Wire: schema.Wire{Prefix: "identity"},
		}
	}
	if _, err := ingress.New(good()); err != nil {
		t.Fatal(err)
	}
	for want, spoil := range map[string]func(*ingress.Config){
		"no store":             func(c *ingress.Config) { c.Store = nil },
		"no provider":          func(c *ingress.Config) { c.Sources[0].Provider = nil },
		"body must be":         func(c *ingress.Config) { c.Limits.Body = 0 },
		"must not be negative": func(c *ingress.Config) { c.Limits.Rate = -1 },
		"does not begin with":  func(c *ingress.Config) { c.Sources[0].Path = "webhooks" },
		"invalid URL escape":   func(c *ingress.Config) { c.Sources[0].Path = "/a%2" },
		"not escaped":          func(c *ingress.Config) { c.Sources[0].Path = "/a?b" },
		`source "a.b"`:         func(c *ingress.Config) { c.Sources[0].Name = "a.b" },
		"two of this name": func(c *ingress.Config) {
			c.Sources = append(c.Sources, c.Sources[0])
			c.Sources[1].Path = "/other"
		},
		"is taken": func(c *ingress.Config) {
			c.Sources = append(c.Sources, c.Sources[0])
			c.Sources[1].Name = "other"
		},
	} {
		c := good()
		spoil(&c)
		if _, err := ingress.New(c); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}
