package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// A setup is how forebay is configured.
type setup struct {
	ack       string // journal or stream
	nats      string // of a server of its own process; empty: the embedded one
	sources   int
	consumers int // each with a job of its own, for actions that the load does not have
}

// Names that every contestant is set up with.
const (
	streamName = "IDENTITY"
	sourceName = "rewards"
	secret     = "for-the-benchmark-alone"
	path       = "/webhooks/" + sourceName
)

// sourceSuffix is what the name and the path of the first source, of the second and so on have at their end.
func sourceSuffix(i int) string {
	if i == 0 {
		return ""
	}
	return "-" + strconv.Itoa(i)
}

// config is the product as it comes, but for the rate limit, which the load would meet first, and the bounds, which a
// long run would.
func (s setup) config() []byte {
	broker, seal := `{listen: "127.0.0.1:0"}`, ""
	if s.nats != "" {
		broker, seal = fmt.Sprintf("{url: %q}", s.nats), "seal: off\n"
	}
	var text bytes.Buffer
	fmt.Fprintf(&text, `listen: 127.0.0.1:0
admin: 127.0.0.1:0
data: ./data
ack: %s
journal: {max_bytes: 1TiB}
nats: %s
%sstream: {name: %s, max_bytes: 0}
limits: {rate: 10000000/s, burst: 10000000}
sources:
`, s.ack, broker, seal, streamName)
	for i := range max(s.sources, 1) {
		fmt.Fprintf(&text, "  %s%s: {provider: mgpass, secrets: [%s]}\n", sourceName, sourceSuffix(i), secret)
	}
	if s.consumers > 0 {
		fmt.Fprintln(&text, "consumers:")
	}
	for i := range s.consumers {
		fmt.Fprintf(&text, "  audit%d: {actions: [user.deleted], run: command, command: {argv: [\"true\"]}}\n", i)
	}
	return text.Bytes()
}

// forebay starts forebay in a folder, which it may have run in before, and returns once it takes deliveries.
func (b *benchmark) forebay(ctx context.Context, dir string, s setup) (*process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	config := filepath.Join(dir, "forebay.yaml")
	if err := os.WriteFile(config, s.config(), 0o600); err != nil {
		return nil, err
	}
	p, err := start(ctx, exec.Command(b.Forebay, "serve", "--config", config), b.warnings)
	if err != nil {
		return nil, fmt.Errorf("forebay: %w", err)
	}
	b.atEnd(p.stop)
	return p, nil
}
