package consumer

import (
	"context"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/schema"
)

// begin starts the span of an attempt, a child of the delivery's, and gives the context that carries it to the handler.
// Without a tracer there is none. A span names the event and says nothing of what is in it.
func (d *delivery) begin(ctx context.Context) context.Context {
	c := d.c.config
	if c.Tracer == nil {
		return ctx
	}
	msg, attempt := d.now()
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{
		schema.HeaderTraceparent: msg.Headers().Get(schema.HeaderTraceparent),
	})
	event, _ := c.Stream.event(msg.Subject())
	source, action, _ := strings.Cut(event, ".")
	ctx, d.span = c.Tracer.Start(ctx, "attempt "+c.Name, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		semconv.MessagingSystemKey.String("nats"),
		semconv.MessagingOperationTypeProcess, semconv.MessagingOperationName("attempt"),
		semconv.MessagingDestinationName(msg.Subject()), semconv.MessagingConsumerGroupName(c.Name),
		semconv.MessagingMessageID(msg.Headers().Get(schema.HeaderMsgID)), semconv.MessagingMessageBodySize(len(msg.Data())),
		attribute.String("forebay.consumer", c.Name), attribute.String("forebay.source", source),
		attribute.String("forebay.action", action), attribute.Int("forebay.attempt", attempt),
		attribute.Int64("forebay.seq", int64(d.seq)), //nolint:gosec // no stream gets so far
	))
	return ctx
}

// judged puts the verdict on the span of an attempt. The reason is in the log and in the dead letter, and not here: it is
// in the words of the handler.
func (d *delivery) judged(v verdict) {
	if d.span == nil {
		return
	}
	d.span.SetAttributes(attribute.String("forebay.verdict", v.String()))
	if v != acked {
		d.span.SetAttributes(semconv.ErrorTypeKey.String(v.String()))
		d.span.SetStatus(codes.Error, v.String())
	}
}

// end ends the span of an attempt once the server is answered.
func (d *delivery) end() {
	if d.span != nil {
		d.span.End()
	}
}

// traceparent is what a handler passes on: the span of this attempt, or what the message was sent with.
func (d *delivery) traceparent(sent string) string {
	if d.span == nil {
		return sent
	}
	own := propagation.MapCarrier{schema.HeaderTraceparent: sent}
	propagation.TraceContext{}.Inject(trace.ContextWithSpan(context.Background(), d.span), own) // nothing for a span of nobody's
	return own[schema.HeaderTraceparent]
}
