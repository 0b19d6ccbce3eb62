package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	"go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// A spanStore is an OpenTelemetry collector that keeps what it is sent, by OTLP over HTTP.
type spanStore struct {
	*httptest.Server
	token string // that it wants; empty: none

	mu       sync.Mutex
	spans    []*v1.Span
	services map[string]bool
	raw      []byte // all that came
}

func startSpanStore(t *testing.T, token string) *spanStore {
	t.Helper()
	s := &spanStore{token: token, services: map[string]bool{}}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

// ServeHTTP takes one export.
func (s *spanStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	var sent collector.ExportTraceServiceRequest
	if err != nil || proto.Unmarshal(body, &sent) != nil || r.URL.Path != "/base/v1/traces" || r.Header.Get("Authorization") != s.token {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.raw = append(s.raw, body...)
	for _, of := range sent.GetResourceSpans() {
		s.services[attribute(of.GetResource().GetAttributes(), "service.name")] = true
		for _, scope := range of.GetScopeSpans() {
			s.spans = append(s.spans, scope.GetSpans()...)
		}
	}
}

// named gives the spans of a name in the order in which they began, once there are so many.
func (s *spanStore) named(t *testing.T, name string, count int) (found []*v1.Span) {
	t.Helper()
	check(t, poll(func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		found = nil
		for _, span := range s.spans {
			if span.GetName() == name {
				found = append(found, span)
			}
		}
		if len(found) != count {
			return fmt.Errorf("%d spans %q, want %d", len(found), name, count)
		}
		return nil
	}))
	return found
}

func attribute(all []*common.KeyValue, key string) string {
	for _, a := range all {
		if a.GetKey() == key {
			if text, ok := a.GetValue().GetValue().(*common.AnyValue_StringValue); ok {
				return text.StringValue
			}
			return fmt.Sprint(a.GetValue().GetIntValue())
		}
	}
	return ""
}

// traceparentOf is what names a span on the wire.
func traceparentOf(s *v1.Span) string {
	return "00-" + hex.EncodeToString(s.GetTraceId()) + "-" + hex.EncodeToString(s.GetSpanId()) + "-01"
}

// One delivery and the two attempts of its event are spans of the sender's trace, each below the one before it on the
// way; the message and the webhook's requests name them. Nothing of the payload is in them.
func TestTraces(t *testing.T) {
	const sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	for name, how := range map[string]struct{ yaml, env, token string }{
		"by the configuration": {yaml: "traces: {endpoint: %s/base/, headers: {Authorization: Bearer invented}}\n", token: "Bearer invented"},
		"by the environment":   {env: "OTEL_EXPORTER_OTLP_ENDPOINT=%s/base"},
	} {
		t.Run(name, func(t *testing.T) {
			store := startSpanStore(t, how.token)
			requests := make(chan string, 8)
			hook := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if requests <- r.Header.Get("Traceparent"); len(requests) == 1 {
					w.WriteHeader(http.StatusInternalServerError)
				}
			}))
			defer hook.Close()
			d := newDaemon(t, forebayYAML+"consumers:\n  crm: {run: webhook, retry: [50ms], webhook: {url: "+hook.URL+", unsigned: true}}\n"+
				at(how.yaml, store.URL))
			d.env = append(d.env, "OTEL_BSP_SCHEDULE_DELAY=50", at(how.env, store.URL))
			d.run(t)
			target := d.target(t, "mgpass")
			made, err := target.make("user.login.success")
			check(t, err)
			made.request.Header.Set("Traceparent", sent)
			if a := target.post(t.Context(), made); a.cause != nil || a.Status != http.StatusOK {
				t.Fatalf("answer: %+v", a)
			}

			attempts := store.named(t, "attempt crm", 2)
			received := store.named(t, "receive mgpass", 1)[0]
			if got, want := parentOf(received), sent[3:52]; got != want {
				t.Errorf("the delivery is a child of %s, want %s, the sender", got, want)
			}
			if got, want := d.stream(t, 1)[0].Headers["traceparent"], traceparentOf(received); got != want {
				t.Errorf("the message names span %s, want %s", got, want)
			}
			for i, want := range []string{"retry", "ack"} {
				if got, want := parentOf(attempts[i]), traceparentOf(received)[3:52]; got != want {
					t.Errorf("attempt %d is a child of %s, want %s, the delivery", i+1, got, want)
				}
				if got := attribute(attempts[i].GetAttributes(), "forebay.verdict"); got != want {
					t.Errorf("attempt %d has verdict %q, want %q", i+1, got, want)
				}
				if got, want := <-requests, traceparentOf(attempts[i]); got != want {
					t.Errorf("request %d names span %s, want %s", i+1, got, want)
				}
			}
			if got := attribute(received.GetAttributes(), "forebay.outcome"); got != "accepted" {
				t.Errorf("the delivery has outcome %q", got)
			}
			check(t, d.stop())
			store.mu.Lock()
			defer store.mu.Unlock()
			if !store.services["forebay"] || len(store.services) != 1 {
				t.Errorf("spans of services %v, want forebay's", store.services)
			}
			if !bytes.Contains(made.request.Body, []byte("@example.com")) {
				t.Error("the payload has no address that spans could hold")
			}
			for _, secret := range []string{"@example.com", target.source.Path} {
				if bytes.Contains(store.raw, []byte(secret)) {
					t.Errorf("spans hold %q", secret)
				}
			}
		})
	}
}

// parentOf is trace and parent of a span, as a traceparent has them.
func parentOf(s *v1.Span) string {
	return hex.EncodeToString(s.GetTraceId()) + "-" + hex.EncodeToString(s.GetParentSpanId())
}

// at puts the collector's address in, if there is a place for it.
func at(format, url string) string { return strings.ReplaceAll(format, "%s", url) }

// A collector that takes connections and never answers holds up neither deliveries nor a stop, and a stop sends what waits.
func TestTracesWithoutACollector(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	silent := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	silent.Start()
	t.Cleanup(silent.CloseClientConnections)
	d := newDaemon(t, forebayYAML+"traces: {endpoint: "+silent.URL+"}\n")
	d.env = append(d.env, "OTEL_BSP_SCHEDULE_DELAY=10", "OTEL_BSP_MAX_QUEUE_SIZE=4", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE=1")
	d.run(t)
	d.forebay(t, "send", "mgpass", "user.login.success", "-n", "200")
	d.stream(t, 200)
	check(t, d.stop())
	check(t, matches(d.logText(), "the last traces did not reach the collector"))
}
