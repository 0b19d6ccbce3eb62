package otp

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
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
	log    consumertest.Buffer
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
		Log: w.log.Logger(),
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
	stopConsumer, stopJob := consumertest.Run(w.t, w.server.JetStream(w.t), c), consumertest.Background(w.t, j.Run)
	return func() { stopConsumer(); stopJob() }
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
	consumertest.Publish(w.t, w.js, m)
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
	consumertest.Eventually(t, "a listener", func() bool {
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

func newJobConfig(options func(any) error) consumer.JobConfig {
	return consumer.JobConfig{Consumer: "otp", Options: options, Prefix: "IDENTITY"}
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	return (&net.ListenConfig{}).Listen(ctx, "tcp", address)
}

func portOf(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
