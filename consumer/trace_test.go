package consumer_test

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// Every attempt is a span below the delivery's, with its verdict, and is what its handler passes on.
func TestSpanOfAnAttempt(t *testing.T) {
	w := newWorld(t)
	spans := tracetest.NewSpanRecorder()
	passed := make(chan string, 2)
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(50),
		Tracer: sdk.NewTracerProvider(sdk.WithSpanProcessor(spans)).Tracer("test"),
		Handler: func(ctx context.Context, m *consumer.Message) error {
			passed <- m.Traceparent
			if !trace.SpanContextFromContext(ctx).IsValid() {
				return consumer.Permanent(errors.New("no span in the context"))
			}
			if m.Attempt == 1 {
				return errors.New("not yet, hunter2")
			}
			return nil
		},
	})
	seq := w.publish("user.created", "1", "ada")
	consumertest.Eventually(t, "two spans", func() bool { return len(spans.Ended()) == 2 })
	for i, want := range []struct {
		verdict string
		code    codes.Code
	}{{"retry", codes.Error}, {"ack", codes.Unset}} {
		span := spans.Ended()[i]
		if span.Name() != "attempt crm" || span.SpanKind() != trace.SpanKindConsumer {
			t.Errorf("span %q of kind %s", span.Name(), span.SpanKind())
		}
		parent, own := span.Parent(), span.SpanContext()
		if parent.TraceID().String() != "0af7651916cd43dd8448eb211c80319c" || parent.SpanID().String() != "b7ad6b7169203331" {
			t.Errorf("attempt %d: the parent is %s of %s, want the message's", i+1, parent.SpanID(), parent.TraceID())
		}
		if got, want := <-passed, "00-"+own.TraceID().String()+"-"+own.SpanID().String()+"-01"; got != want {
			t.Errorf("attempt %d passes %s on, want %s", i+1, got, want)
		}
		got := map[string]any{}
		for _, a := range span.Attributes() {
			got[string(a.Key)] = a.Value.AsInterface()
		}
		for key, value := range map[string]any{
			"messaging.system": "nats", "messaging.operation.type": "process", "messaging.consumer.group.name": "crm",
			"messaging.destination.name": "identity.ssofy.user.created", "messaging.message.id": "ssofy/1",
			"forebay.consumer": "crm", "forebay.source": "ssofy", "forebay.action": "user.created",
			"forebay.attempt": int64(i + 1), "forebay.seq": int64(seq), "forebay.verdict": want.verdict,
		} {
			if got[key] != value {
				t.Errorf("attempt %d: %s is %v, want %v", i+1, key, got[key], value)
			}
		}
		if s := span.Status(); s.Code != want.code || s.Description != "" && s.Description != want.verdict || len(span.Events()) > 0 {
			t.Errorf("attempt %d: status %v, events %v", i+1, s, span.Events())
		}
	}
}
