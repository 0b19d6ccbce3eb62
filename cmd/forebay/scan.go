package main

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const stallTime = 10 * time.Second // for the next message of a scan

// A scan reads the messages of a stream in their order, up to a sequence.
type scan struct {
	stream jetstream.Stream
	config jetstream.OrderedConsumerConfig
	high   uint64 // the last that counts
}

// run calls visit with every message.
func (s scan) run(ctx context.Context, visit func(jetstream.Msg, *jetstream.MsgMetadata) error) error {
	s.config.InactiveThreshold = 6 * stallTime
	consumer, err := s.stream.OrderedConsumer(ctx, s.config)
	if err != nil {
		return err
	}
	// What is left behind the server removes itself, later.
	defer func() { _ = s.stream.DeleteConsumer(context.WithoutCancel(ctx), consumer.CachedInfo().Name) }()
	if consumer.CachedInfo().NumPending == 0 {
		return nil
	}
	ahead := 512
	if s.config.HeadersOnly {
		ahead = 4096
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(ahead))
	if err != nil {
		return err
	}
	defer messages.Stop()
	last := uint64(0) // the consumer's number of the message that came last
	for {
		m, meta, err := next(ctx, messages)
		if err != nil {
			return s.ended(ctx, consumer, last, err)
		}
		last = meta.Sequence.Consumer
		if meta.Sequence.Stream > s.high {
			return nil
		}
		if err := visit(m, meta); err != nil {
			return err
		}
		if meta.NumPending == 0 || meta.Sequence.Stream == s.high {
			return nil
		}
	}
}

func next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, *jetstream.MsgMetadata, error) {
	ctx, cancel := context.WithTimeout(ctx, stallTime)
	defer cancel()
	m, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	meta, err := m.Metadata()
	return m, meta, err
}

// ended tells a stream that stopped answering from one whose last messages went away before they came: deleted, or their
// lifetime over. What the server has sent and did not arrive is no end.
func (s scan) ended(ctx context.Context, consumer jetstream.Consumer, last uint64, err error) error {
	if ctx.Err() != nil || !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	info, lost := consumer.Info(ctx)
	if lost == nil && info.NumPending == 0 && (info.Delivered.Consumer == last || info.Delivered.Consumer == 0) {
		return nil
	}
	return err
}
