package ingress

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"

	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/schema"
)

// The fields of a traceparent of version 00: 00-<32 hex: trace>-<16 hex: span>-<2 hex: flags>.
// https://www.w3.org/TR/trace-context/#traceparent-header
const (
	traceLen   = 55
	traceEnd   = 3 + 32
	spanStart  = traceEnd + 1
	spanEnd    = spanStart + 16
	flagsStart = spanEnd + 1
)

// trace is the trace context of the messages of a delivery: its span, or where none was started one that nobody records.
func (d *delivery) trace(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		return Traceparent(d.http.Header["Traceparent"])
	}
	own := propagation.MapCarrier{}
	propagation.TraceContext{}.Inject(ctx, own)
	return own[schema.HeaderTraceparent]
}

// Traceparent is a trace context that comes without a span of ours: a new span of the sender's trace, if it sent one
// valid header, else of a new trace. The flags stay; a new trace is not sampled, since we record no span of it.
func Traceparent(sent []string) string {
	var b [traceLen]byte
	if len(sent) == 1 && schema.ValidTraceparent(sent[0]) {
		copy(b[:], sent[0])
	} else {
		copy(b[:], "00-")
		randomHex(b[3:traceEnd])
		copy(b[flagsStart:], "00")
	}
	b[traceEnd], b[spanEnd] = '-', '-'
	randomHex(b[spanStart:spanEnd])
	return string(b[:])
}

// randomHex fills b with the hex of random bytes that are not all zero, eight at a time.
func randomHex(b []byte) {
	var raw [8]byte
	for ; len(b) > 0; b = b[16:] {
		binary.BigEndian.PutUint64(raw[:], rand.Uint64()|1)
		hex.Encode(b, raw[:])
	}
}
