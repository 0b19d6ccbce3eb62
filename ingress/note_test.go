package ingress_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// TestEventIsFilledIn: source, provider and time of receipt are ours, in whole milliseconds.
func TestEventIsFilledIn(t *testing.T) {
	b := newBench(t, fake{})
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	b.post(`{"id":"1"}`, "traceparent: "+trace)
	m := b.messages()[0]
	e, err := schema.Parse(m.Subject, m.Header.Map(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	if e.Source != "test" || e.Provider != "fake" || m.ID != "test/1" || string(e.Payload) != `{"id":"1"}` {
		t.Errorf("got %+v", e)
	}
	if got, want := e.Received.Format("15:04:05.999999999"), "12:00:00.031"; got != want || !e.Time.Equal(e.Received) {
		t.Errorf("got received %s and time %s, want %s twice", got, e.Time, want)
	}
	if got := m.Header.Get("traceparent"); len(got) != len(trace) || got[:35] != trace[:35] || got == trace {
		t.Errorf("traceparent: got %v, want a new span of %s", got, trace)
	}
}

// TestQuarantine: the whole request is kept, the credentials of the source aside.
func TestQuarantine(t *testing.T) {
	b := newBench(t, fake{})
	b.send("POST", path+"?a=1", strings.NewReader("no JSON"), "Authorization: Bearer hidden", "X-Kept: yes")
	m := b.messages()[0]
	q, err := schema.ParseQuarantine(m.Body)
	if err != nil {
		t.Fatal(err)
	}
	if m.Subject != "identity-quarantine.test" || !strings.Contains(q.Reason, "id: missing") {
		t.Errorf("got subject %s, reason %s", m.Subject, q.Reason)
	}
	text := string(q.Request)
	for _, want := range []string{
		"POST " + path + "?a=1 HTTP/1.1\r\nHost: ", "\r\nX-Kept: yes\r\n", "\r\nContent-Length: 7\r\n\r\nno JSON",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("request: %q is not in it: %s", want, text)
		}
	}
	if strings.Contains(text, "hidden") {
		t.Errorf("request: it holds a credential: %s", text)
	}
	eventually(t, "quarantine is counted", func() bool { return b.count("forebay_quarantined_total", "test") == 1 })
}

// TestTooLargeForTheBroker: a rightly signed delivery that fits into no message is refused, and never with a 5xx.
func TestTooLargeForTheBroker(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) { b.config.Wire.MaxBytes = 2000 })
	if got := b.post(`{"id":"1","x":"` + strings.Repeat("x", 2000) + `"}`); got.status != 413 {
		t.Errorf("got %d, want 413", got.status)
	}
	if n := len(b.messages()); n != 0 {
		t.Errorf("got %d messages, want none", n)
	}
}

// TestSenderHangsUp: what is verified is stored all the same. Some senders wait 300 ms and never come back.
func TestSenderHangsUp(t *testing.T) {
	stored := make(chan error, 1)
	r := httptest.NewRequest("POST", path, strings.NewReader(`{"id":"1"}`))
	ctx, hangUp := context.WithCancel(r.Context())
	b := newBench(t, fake{}, func(b *bench) {
		b.config.Store = fakeStore{func(ctx context.Context, _ []schema.Message) (schema.Receipt, error) {
			hangUp()
			stored <- ctx.Err()
			return schema.Receipt{}, nil
		}}
	})
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Signature": {signed}}
	b.in.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	if err := <-stored; err != nil {
		t.Errorf("the store's context: %v", err)
	}
}

// TestLog: an error is one line with keys of the short list, and holds neither body nor header nor secret.
func TestLog(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) {
		b.config.Store = fakeStore{func(context.Context, []schema.Message) (schema.Receipt, error) {
			return schema.Receipt{}, errors.New("disk full")
		}}
	})
	for _, headers := range [][]string{{"X-Signature: hidden1"}, {"Content-Type: text/hidden2"}, {"X-Other: hidden3"}} {
		before := strings.Count(b.log.String(), "\n")
		b.post(`{"id":"hidden4"}`, headers...)
		eventually(t, "a line", func() bool { return strings.Count(b.log.String(), "\n") > before })
	}
	b.post(`{"hidden5":"hidden6"}`, "Authorization: hidden7")
	eventually(t, "four lines", func() bool { return strings.Count(b.log.String(), "\n") >= 4 })
	log := b.log.String()
	if strings.Contains(log, "hidden") || strings.Count(log, "\n") != 4 {
		t.Errorf("want one line each, and nothing of the request: %s", log)
	}
	keys := map[string]bool{"time": true, "level": true, "msg": true}
	for _, key := range strings.Fields("source action id delivery consumer attempt status took err") {
		keys[key] = true
	}
	for line := range strings.Lines(log) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Fatal(err)
		}
		for key := range entry {
			if !keys[key] {
				t.Errorf("key %s is not on the list: %s", key, line)
			}
		}
		if entry["source"] != "test" || entry["err"] == nil {
			t.Errorf("want source and err: %s", line)
		}
	}
}

// TestLogOfAFlood: strangers cannot fill the disk with lines; the counter misses none of them.
func TestLogOfAFlood(t *testing.T) {
	b := newBench(t, fake{})
	for range 200 {
		b.post(`{}`, "X-Signature: wrong")
	}
	eventually(t, "all are counted", func() bool { return b.count("forebay_deliveries_total", "unverified", "test") == 200 })
	if n := strings.Count(b.log.String(), "\n"); n < 10 || n > 30 {
		t.Errorf("got %d lines for 200 refusals", n)
	}
}

// TestMetrics: strangers make no label values, and each delivery of a source is counted and timed once.
func TestMetrics(t *testing.T) {
	b := newBench(t, fake{})
	for _, p := range []string{"/webhooks/x", "/webhooks/y", path} {
		b.send("POST", p, strings.NewReader(`{"id":"1"}`))
	}
	eventually(t, "one delivery", func() bool { return b.count("forebay_deliveries_total", "accepted", "test") == 1 })
	families, err := b.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		switch f.GetName() {
		case "forebay_deliveries_total":
			if n := len(f.GetMetric()); n != 1 {
				t.Errorf("got %d series, want 1", n)
			}
		case "forebay_answer_seconds":
			if n := f.GetMetric()[0].GetHistogram().GetSampleCount(); n != 1 {
				t.Errorf("got %d observations, want 1", n)
			}
		}
	}
	b.config.Metrics = prometheus.NewRegistry()
	if _, err := ingress.New(b.config); err != nil {
		t.Fatal(err)
	}
	if _, err := ingress.New(b.config); err == nil {
		t.Error("metrics registered twice: got no error")
	}
}

// A discard is a ResponseWriter that costs nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// TestAllocations bounds what accepting one event costs beside what its provider, its wire form and net/http cost.
func TestAllocations(t *testing.T) {
	body := []byte(`{"id":"1"}`)
	events := []schema.Event{event("1", body)}
	p := fake{decode: func(provider.Request) ([]schema.Event, error) { return events, nil }}
	b := newBench(t, p, func(b *bench) {
		b.config.Store = fakeStore{func(context.Context, []schema.Message) (schema.Receipt, error) {
			return schema.Receipt{Stored: schema.StoredJournal}, nil
		}}
		b.config.Log = slog.New(slog.DiscardHandler)
	})
	reader := bytes.NewReader(body)
	r := httptest.NewRequest("POST", path, reader)
	r.Body = io.NopCloser(reader)
	r.Header = http.Header{"Content-Type": {"application/json"}, "X-Signature": {signed}}
	w := discard{http.Header{}}
	all := testing.AllocsPerRun(1000, func() {
		reader.Reset(body)
		clear(w.header)
		b.in.ServeHTTP(w, r)
	})
	e := events[0]
	e.Source, e.Provider, e.Received = "test", "fake", noon
	wire := testing.AllocsPerRun(1000, func() { _, _ = b.config.Wire.Encode(e, "") })
	t.Logf("%.0f allocations, %.0f of them for the wire form", all, wire)
	if own := all - wire; own > 14 {
		t.Errorf("got %.0f allocations, want at most 14", own)
	}
}

// TestHandshakeIsNoted: what a hub asked for and why it was refused is in the log, at a level that operators see.
func TestHandshakeIsNoted(t *testing.T) {
	b := newBench(t, fakeHandshaker{handshake: func(provider.Request) (provider.Answer, bool) {
		return provider.Answer{Status: http.StatusNotFound, Note: "subscribe of topic x: not wanted"}, true
	}})
	b.send("GET", path, nil)
	eventually(t, "a line", func() bool {
		log := b.log.String()
		return strings.Contains(log, `"level":"INFO"`) && strings.Contains(log, "topic x: not wanted")
	})
}
