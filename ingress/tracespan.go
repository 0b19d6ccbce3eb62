package ingress

import (
	"context"
	"net/http"
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/schema"
)

// span starts the span of a delivery, a child of the sender's. Without a tracer it is nil, and costs nothing.
//
// A span says what the log says and less: neither path nor address nor error, since a path may be what keeps strangers
// out, and traces go to places that the log does not.
func (s *source) span(r *http.Request) (context.Context, trace.Span) {
	if s.in.tracer == nil {
		return r.Context(), nil
	}
	return s.in.tracer.Start(sender(r), "receive "+s.Name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		s.method(r), attribute.String("forebay.source", s.Name), attribute.String("forebay.provider", s.ProviderName),
	))
}

// sender is the context of a request with the sender's span in it, if it named one. Its tracestate stays behind: a message
// has no room for it.
func sender(r *http.Request) context.Context {
	sent := r.Header["Traceparent"]
	if len(sent) != 1 {
		return r.Context()
	}
	return propagation.TraceContext{}.Extract(r.Context(), propagation.MapCarrier{schema.HeaderTraceparent: sent[0]})
}

// method is the request's, unless it is one that somebody made up.
func (s *source) method(r *http.Request) attribute.KeyValue {
	if !slices.Contains(s.methods, r.Method) {
		return semconv.HTTPRequestMethodOther
	}
	return semconv.HTTPRequestMethodKey.String(r.Method)
}

// end ends the span of a delivery with how it was answered. A refusal is an error of ours only from 500 on.
func end(span trace.Span, a answer) {
	if span == nil {
		return
	}
	outcome := lines[a.outcome].label
	span.SetAttributes(semconv.HTTPResponseStatusCode(a.Status), attribute.String("forebay.outcome", outcome))
	if a.id != "" {
		span.SetAttributes(attribute.String("forebay.id", a.id), attribute.String("forebay.action", string(a.action)))
	}
	if !success(a.Status) {
		span.SetAttributes(semconv.ErrorTypeKey.String(outcome))
	}
	if a.Status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, outcome)
	}
	span.End()
}
