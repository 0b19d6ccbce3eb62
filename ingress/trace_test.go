package ingress_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/provider"
)

const (
	sentTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	sentSpan  = "00f067aa0ba902b7"
)

// traced makes a bench keep its spans.
func traced(spans *tracetest.SpanRecorder, sampler sdk.Sampler) func(*bench) {
	return func(b *bench) {
		b.config.Tracer = sdk.NewTracerProvider(sdk.WithSpanProcessor(spans), sdk.WithSampler(sampler)).Tracer("test")
	}
}

// A delivery is a span of its sender's trace, and its messages name that span.
func TestSpanOfADelivery(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	b := newBench(t, fake{}, traced(spans, sdk.ParentBased(sdk.AlwaysSample())))
	b.post(`{"id":"1","password":"hunter2"}`, "traceparent: 00-"+sentTrace+"-"+sentSpan+"-01")
	b.post(`{"id":"2"}`)
	b.post(`{"id":"3"}`, "traceparent: 00-"+sentTrace+"-"+sentSpan+"-00")
	ended, messages := spans.Ended(), b.messages()
	if len(ended) != 2 || len(messages) != 3 {
		t.Fatalf("%d spans of %d messages, want 2 of 3: one sender samples nothing", len(ended), len(messages))
	}
	for i, span := range ended {
		own := span.SpanContext()
		want := "00-" + own.TraceID().String() + "-" + own.SpanID().String() + "-01"
		if got := messages[i].Header.Get("traceparent"); got != want {
			t.Errorf("message %d names span %s, want %s", i+1, got, want)
		}
		if span.Name() != "receive test" || span.SpanKind() != trace.SpanKindServer {
			t.Errorf("span %q of kind %s", span.Name(), span.SpanKind())
		}
	}
	if parent := ended[0].Parent(); parent.TraceID().String() != sentTrace || parent.SpanID().String() != sentSpan {
		t.Errorf("the parent is %s of %s, want the sender's", parent.SpanID(), parent.TraceID())
	}
	if parent := ended[1].Parent(); parent.IsValid() {
		t.Errorf("a parent %s out of nowhere", parent.SpanID())
	}
	unsampled := regexp.MustCompile("^00-" + sentTrace + "-[0-9a-f]{16}-00$")
	if got := messages[2].Header.Get("traceparent"); !unsampled.MatchString(got) || strings.Contains(got, sentSpan) {
		t.Errorf("the message of a delivery that is not sampled names %s", got)
	}
	wantAttributes(t, ended[0], "forebay.action=login.succeeded", "forebay.id=test/1", "forebay.outcome=accepted",
		"forebay.provider=fake", "forebay.source=test", "http.request.method=POST", "http.response.status_code=200")
}

// What is refused is told by its outcome alone: neither path nor error leaves the house.
func TestSpanOfARefusal(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	unavailable := func(provider.Request) error { return provider.Unavailable(errors.New("no keys for hunter2")) }
	b := newBench(t, fake{verify: unavailable}, traced(spans, sdk.AlwaysSample()))
	b.post(`{"id":"1"}`)
	b.send("BREW", path, nil)
	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans, want 2", len(ended))
	}
	wantAttributes(t, ended[0], "error.type=unavailable", "forebay.outcome=unavailable", "forebay.provider=fake",
		"forebay.source=test", "http.request.method=POST", "http.response.status_code=503")
	wantAttributes(t, ended[1], "error.type=method", "forebay.outcome=method", "forebay.provider=fake",
		"forebay.source=test", "http.request.method=_OTHER", "http.response.status_code=405")
	if ended[0].Status().Code != codes.Error || ended[1].Status().Code != codes.Unset {
		t.Errorf("status %v of a 503 and %v of a 405, want an error and none", ended[0].Status(), ended[1].Status())
	}
}

func wantAttributes(t *testing.T, span sdk.ReadOnlySpan, want ...string) {
	t.Helper()
	var got []string
	for _, a := range span.Attributes() {
		got = append(got, text(a))
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("attributes of %s:\n%q\nwant\n%q", span.Name(), got, want)
	}
	if len(span.Events()) > 0 {
		t.Errorf("%s has events", span.Name())
	}
}

func text(a attribute.KeyValue) string { return string(a.Key) + "=" + a.Value.String() }
