package consumer

import (
	"context"
	"log/slog"
	"net"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
)

// JobConfig is what a job, a handler that ships with Forebay, is made of. A job is a folder below this one with
// New(JobConfig) (Job, error). New refuses what cannot work, opens no connection, and may be called to check a file.
type JobConfig struct {
	Consumer string                                             // the name of its durable
	Options  func(into any) error                               // decodes the job's own options, strictly, by yaml tags; nil: none given
	JS       func(context.Context) (jetstream.JetStream, error) // for jobs that keep state in NATS
	Open     func(sealed string) ([]byte, error)                // opens a compact JWE; nil: the private key is not here
	Prefix   string                                             // of names that the job makes in NATS: the stream's name
	Replicas int                                                // of what the job keeps in NATS, as the stream has; 0: 1
	Now      func() time.Time                                   // nil: time.Now
	Log      *slog.Logger                                       // nil: nothing is logged
	Metrics  prometheus.Registerer

	// Listen gives a listener for TCP at host:port; nil: a new one. A job that takes the place of another listens on the
	// same socket, while that one still answers what it has begun.
	Listen func(ctx context.Context, address string) (net.Listener, error)
}

// Complete fills in Options, Now, Log and Listen where they are nil. Every New begins with it.
func (c JobConfig) Complete() JobConfig {
	if c.Options == nil {
		c.Options = func(any) error { return nil }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Listen == nil {
		c.Listen = listen
	}
	return c
}

func listen(ctx context.Context, address string) (net.Listener, error) {
	var config net.ListenConfig
	return config.Listen(ctx, "tcp", address)
}

// A Job does with events what its consumer is for.
type Job interface {
	// Handle is the consumer's Handler.
	Handle(context.Context, *Message) error
	// Run does what goes on beside the attempts, migrations or a listener, and lets go of connections when ctx ends. It
	// returns an error only when going on is pointless.
	Run(context.Context) error
}
