package ingress_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

const (
	path   = "/webhooks/test"
	signed = "right" // the X-Signature that fake verifies
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 31_500_000, time.UTC)

// A fake is a provider whose deliveries are {"id": …}, signed by X-Signature: right.
type fake struct {
	verify func(provider.Request) error
	decode func(provider.Request) ([]schema.Event, error)
}

func (f fake) Verify(r provider.Request) error {
	if f.verify != nil {
		return f.verify(r)
	}
	if r.Header.Get("X-Signature") != signed {
		return errors.New("X-Signature: does not fit")
	}
	return nil
}

func (f fake) Decode(r provider.Request) ([]schema.Event, error) {
	if f.decode != nil {
		return f.decode(r)
	}
	var body struct{ ID string }
	if json.Unmarshal(r.Body, &body) != nil || body.ID == "" {
		return nil, errors.New("id: missing")
	}
	return []schema.Event{event(body.ID, r.Body)}, nil
}

func event(id string, payload []byte) schema.Event {
	return schema.Event{
		ID: id, Action: "login.succeeded", Native: "login", Outcome: schema.Success, Semantics: schema.Notice,
		Payload: payload,
	}
}

type fakeAnswerer struct {
	fake
	answer func(provider.Request, provider.Outcome) provider.Answer
}

func (f fakeAnswerer) Answer(r provider.Request, o provider.Outcome) provider.Answer {
	return f.answer(r, o)
}

type fakeHandshaker struct {
	fake
	handshake func(provider.Request) (provider.Answer, bool)
	accepts   provider.Accepts
}

func (f fakeHandshaker) Handshake(r provider.Request) (provider.Answer, bool) { return f.handshake(r) }
func (f fakeHandshaker) Accepts() provider.Accepts                            { return f.accepts }

// A fakeStore is an ingress.Store of one function.
type fakeStore struct {
	store func(context.Context, []schema.Message) (schema.Receipt, error)
}

func (f fakeStore) Store(ctx context.Context, m []schema.Message) (schema.Receipt, error) {
	return f.store(ctx, m)
}

// A bench is an ingress behind a real server, with everything around it at hand.
type bench struct {
	t       testing.TB
	config  ingress.Config
	in      *ingress.Ingress
	server  *httptest.Server
	metrics *prometheus.Registry
	log     *syncBuffer

	mu     sync.Mutex
	stored []schema.Message
}

// newBench starts one source, named test, at path. change may change what it starts with.
func newBench(t testing.TB, p provider.Provider, change ...func(*bench)) *bench {
	t.Helper()
	b := &bench{t: t, metrics: prometheus.NewRegistry(), log: new(syncBuffer)}
	b.config = ingress.Config{
		Sources: []ingress.Source{{Name: "test", ProviderName: "fake", Path: path, Provider: p}},
		Limits:  ingress.Limits{Body: 1 << 20},
		Store:   fakeStore{b.keep},
		Wire:    schema.Wire{Prefix: "identity"},
		Now:     func() time.Time { return noon },
		Log:     slog.New(slog.NewJSONHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Metrics: b.metrics,
	}
	b.server = httptest.NewUnstartedServer(nil)
	for _, f := range change {
		f(b)
	}
	in, err := ingress.New(b.config)
	if err != nil {
		t.Fatal(err)
	}
	b.in = in
	server := ingress.Server(in, b.config.Log)
	if c := b.server.Config; c.ReadTimeout != 0 {
		server.ReadTimeout, server.ReadHeaderTimeout = c.ReadTimeout, c.ReadHeaderTimeout
	}
	b.server.Config = server
	b.server.Start()
	t.Cleanup(b.server.Close)
	return b
}

// keep stores in memory; the second message of an ID is a duplicate.
func (b *bench) keep(_ context.Context, messages []schema.Message) (schema.Receipt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := schema.Receipt{Stored: schema.StoredJournal}
	for _, m := range messages {
		if b.has(m.ID) {
			r.Duplicates++
		} else {
			b.stored = append(b.stored, m)
		}
	}
	return r, nil
}

func (b *bench) has(id string) bool {
	for _, m := range b.stored {
		if m.ID == id {
			return true
		}
	}
	return false
}

func (b *bench) messages() []schema.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]schema.Message(nil), b.stored...)
}

// A reply is an answer as it came over the network.
type reply struct {
	status int
	header http.Header
	body   string
	close  bool // the server hangs up
}

// post sends a delivery; headers are "Name: value", an empty value takes the name away.
func (b *bench) post(body string, headers ...string) reply {
	b.t.Helper()
	return b.send(http.MethodPost, path, strings.NewReader(body), headers...)
}

func (b *bench) send(method, path string, body io.Reader, headers ...string) reply {
	b.t.Helper()
	r, err := http.NewRequest(method, b.server.URL+path, body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Signature", signed)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		if r.Header.Set(name, value); value == "" {
			r.Header.Del(name)
		}
	}
	client := &http.Client{
		Transport:     b.server.Client().Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	return read(b.t, res)
}

func read(t testing.TB, res *http.Response) reply {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(body), res.Close}
}

// dial opens a raw connection, for what an HTTP client would not send.
func (b *bench) dial() (net.Conn, *bufio.Reader) {
	b.t.Helper()
	c, err := net.Dial("tcp", b.server.Listener.Addr().String())
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		b.t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// raw sends text over a connection of its own and reads one answer.
func (b *bench) raw(format string, args ...any) reply {
	b.t.Helper()
	c, br := b.dial()
	if _, err := fmt.Fprintf(c, format, args...); err != nil {
		b.t.Fatal(err)
	}
	return b.answer(br)
}

func (b *bench) answer(br *bufio.Reader) reply {
	b.t.Helper()
	res, err := http.ReadResponse(br, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return read(b.t, res)
}

// count is the value of a counter with these label values, 0 if it does not exist.
func (b *bench) count(name string, labels ...string) (n float64) {
	b.t.Helper()
	families, err := b.metrics.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() { // sorted by name: outcome before source
				values = append(values, l.GetValue())
			}
			if f.GetName() == name && strings.Join(values, " ") == strings.Join(labels, " ") {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

// A syncBuffer is a bytes.Buffer for several goroutines.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// eventually polls until ok, for at most five seconds.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); !ok(); time.Sleep(time.Millisecond) { //nolint:forbidigo // between two looks, with a deadline
		if time.Now().After(deadline) {
			t.Fatal("waited five seconds: " + what)
		}
	}
}
