package otp

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

const (
	testKey   = "0123456789abcdef0123456789abcdef"
	testToken = "a token of the tests"
)

// A world is a NATS server with the stream of events, and what is logged.
type world struct {
	t      *testing.T
	server *brokertest.Server
	js     jetstream.JetStream
	stream consumer.Stream
	log    logBuffer
	clock  clock
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server := brokertest.Start(t)
	w := &world{t: t, server: server, js: server.JetStream(t), stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"}}
	if _, err := broker.Ensure(t.Context(), w.js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	return w
}

// A clock is real time with an offset.
type clock struct {
	mu     sync.Mutex
	offset time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset += d
}

type logBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// given is what the configuration hands to a job.
func given(o Options) func(any) error {
	return func(into any) error {
		*into.(*Options) = o
		return nil
	}
}

func (w *world) jobConfig(o Options) consumer.JobConfig {
	if o.Key == "" {
		o.Key = testKey
	}
	return consumer.JobConfig{
		Consumer: "otp", Options: given(o), Prefix: "IDENTITY", Now: w.clock.now,
		JS:  func(context.Context) (jetstream.JetStream, error) { return w.js, nil },
		Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

func (w *world) job(o Options) *Job {
	w.t.Helper()
	j, err := New(w.jobConfig(o))
	if err != nil {
		w.t.Fatal(err)
	}
	return j.(*Job)
}

// run runs a job behind a consumer until the test ends or stop is called. A wrapper stands between the two.
func (w *world) run(j *Job, wrap ...func(consumer.Handler) consumer.Handler) (stop func()) {
	w.t.Helper()
	handler := consumer.Handler(j.Handle)
	for _, f := range wrap {
		handler = f(handler)
	}
	c := consumer.Config{
		Name: "otp", Stream: w.stream, Actions: []string{"otp.requested"}, Retry: []time.Duration{100 * time.Millisecond},
		MaxAttempts: 50, MaxAge: 10 * time.Minute, Handler: handler, Log: j.log,
	}
	if _, err := consumer.Declare(w.t.Context(), w.js, c); err != nil {
		w.t.Fatal(err)
	}
	made, err := consumer.New(w.server.JetStream(w.t), c)
	if err != nil {
		w.t.Fatal(err)
	}
	stopConsumer, stopJob := background(w.t, made.Run), background(w.t, j.Run)
	return func() { stopConsumer(); stopJob() }
}

// collect runs a collector of dead letters until the test ends.
func (w *world) collect() {
	w.t.Helper()
	d := &consumer.DeadLetters{JS: w.server.JetStream(w.t), Stream: w.stream}
	if err := d.Declare(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	background(w.t, d.Run)
}

func (w *world) dead(n int) (all []consumer.Dead) {
	w.t.Helper()
	eventually(w.t, "dead letters", func() bool {
		all = nil
		err := consumer.List(w.t.Context(), w.js, w.stream, consumer.DeadFilter{}, func(d consumer.Dead) error {
			all = append(all, d)
			return nil
		})
		return err == nil && len(all) >= n
	})
	return all
}

// background runs f until the test ends or stop is called.
func background(t *testing.T, f func(context.Context) error) (stop func()) {
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

// event is SSOfy's request for a code.
func event(id string) schema.Event {
	now := time.Now()
	return schema.Event{
		ID: id, Action: "otp.requested", Source: "ssofy", Provider: "ssofy", Native: "otp_requested", Time: now, Received: now,
		Semantics: schema.Command, User: &schema.User{ID: "42"},
		OTP: &schema.OTP{
			ID: "authentication-email-42", Channel: "email", To: "ada@example.com", Hint: "*da@e******.com", Purpose: "authentication",
		},
		Payload: json.RawMessage(`{"context":{"code":"A-771","n":[123456]}}`),
	}
}

func (w *world) publish(e schema.Event) {
	w.t.Helper()
	m, err := schema.Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.js.PublishMsg(w.t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}); err != nil {
		w.t.Fatal(err)
	}
}

// message is an event as a handler gets it.
func message(t *testing.T, e schema.Event) *consumer.Message {
	t.Helper()
	m, err := schema.Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	return &consumer.Message{Event: e, Subject: m.Subject, Header: m.Header.Map(), Body: m.Body, Seq: 1, Attempt: 1, MaxAttempts: 6}
}

// buckets is everything that both buckets hold, keys and values.
func (w *world) buckets() string {
	w.t.Helper()
	var all strings.Builder
	for _, name := range []string{"IDENTITY_OTP", "IDENTITY_OTP_SENT"} {
		kv, err := w.js.KeyValue(w.t.Context(), name)
		if err != nil {
			w.t.Fatal(err)
		}
		keys, err := kv.Keys(w.t.Context())
		if err != nil {
			w.t.Fatal(err)
		}
		for _, key := range keys {
			entry, err := kv.Get(w.t.Context(), key)
			if err != nil {
				w.t.Fatal(err)
			}
			all.WriteString(key + " " + string(entry.Value()) + "\n")
		}
	}
	return all.String()
}

// askFor posts a request to a listener, and gives status and body.
func askFor(t *testing.T, address, token, body string) (int, string) {
	t.Helper()
	status, text, err := tryAsk(t.Context(), address, token, body)
	if err != nil {
		t.Fatal(err)
	}
	return status, text
}

func tryAsk(ctx context.Context, address, token, body string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/otp/verify", strings.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	var text bytes.Buffer
	_, err = text.ReadFrom(resp.Body)
	return resp.StatusCode, text.String(), err
}

// listening waits until something takes connections.
func listening(t *testing.T, address string) {
	t.Helper()
	eventually(t, "a listener", func() bool {
		c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// freeAddress is one that nobody listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-ticker.C
	}
}

func newJobConfig(options func(any) error) consumer.JobConfig {
	return consumer.JobConfig{Consumer: "otp", Options: options, Prefix: "IDENTITY"}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
