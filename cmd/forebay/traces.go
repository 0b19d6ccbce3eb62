package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/config"
)

// flushTime bounds how long the last spans may take to reach the collector at a stop.
const flushTime = 2 * time.Second

// traces is where spans go: through a bounded queue, which drops what does not fit, to a collector. Without one there is
// no provider, and nobody makes spans.
type traces struct {
	provider *sdk.TracerProvider
	log      *slog.Logger
}

// newTraces makes it without calling the collector, which may be away. Where no key and no OTEL_ variable says otherwise,
// a delivery is sampled as its sender wants it, and always if it names no trace.
func newTraces(ctx context.Context, c *config.Config, getenv func(string) string, log *slog.Logger) (*traces, error) {
	if !tracing(c, getenv, log) {
		return &traces{}, nil
	}
	collector, err := otlptracehttp.New(ctx, collectorOptions(c.Traces)...)
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	info, _ := debug.ReadBuildInfo()
	about, err := resource.New(ctx,
		resource.WithAttributes(semconv.ServiceName("forebay"), semconv.ServiceVersion(info.Main.Version)),
		resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("traces: %w", err)
	}
	out := &exporter{SpanExporter: collector, log: log, quiet: rate.Sometimes{First: 1, Interval: time.Minute}}
	return &traces{sdk.NewTracerProvider(sdk.WithBatcher(out), sdk.WithResource(about)), log}, nil
}

// tracing reports whether there is a collector, in the configuration or in the environment as OpenTelemetry specifies it.
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func tracing(c *config.Config, getenv func(string) string, log *slog.Logger) bool {
	if strings.EqualFold(getenv("OTEL_SDK_DISABLED"), "true") {
		return false
	}
	if c.Traces.Endpoint.URL != nil {
		return true
	}
	own := getenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
	if own+getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" || getenv("OTEL_TRACES_EXPORTER") == "none" {
		return false
	}
	for _, name := range []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"} {
		if protocol := getenv(name); protocol != "" {
			if protocol != "http/protobuf" {
				log.Warn("nothing is traced: forebay speaks http/protobuf to a collector", "key", name)
			}
			return protocol == "http/protobuf"
		}
	}
	return true
}

func collectorOptions(t config.Traces) (options []otlptracehttp.Option) {
	if t.Endpoint.URL == nil {
		return nil // the exporter reads the environment itself
	}
	options = append(options, otlptracehttp.WithEndpointURL(t.Endpoint.JoinPath("v1", "traces").String()))
	if len(t.Headers) > 0 {
		headers := map[string]string{}
		for name, value := range t.Headers {
			headers[name] = string(value)
		}
		options = append(options, otlptracehttp.WithHeaders(headers))
	}
	return options
}

// tracer is for the package of that name. Nil: nothing is traced.
func (t *traces) tracer(pkg string) trace.Tracer {
	if t.provider == nil {
		return nil
	}
	return t.provider.Tracer("github.com/forebayhq/forebay/" + pkg)
}

// close sends the spans that still wait. A collector that is away is no reason for a stop to fail.
func (t *traces) close() error {
	if t.provider == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		t.log.Warn("the last traces did not reach the collector", "err", err)
	}
	return nil
}

// An exporter says in our log what did not reach the collector. OpenTelemetry itself would write it past that, through a
// handler that the whole process shares.
type exporter struct {
	sdk.SpanExporter
	log   *slog.Logger
	quiet rate.Sometimes
}

// ExportSpans is what the queue calls.
func (e *exporter) ExportSpans(ctx context.Context, spans []sdk.ReadOnlySpan) error {
	if err := e.SpanExporter.ExportSpans(ctx, spans); err != nil {
		e.quiet.Do(func() { e.log.Warn("traces did not reach the collector", "err", err) })
	}
	return nil
}
