package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// A Selector chooses stored events. Empty members choose all.
type Selector struct {
	Since   time.Time `json:"since,omitzero"` // by when the stream took them
	Until   time.Time `json:"until,omitzero"` // exclusive
	FromSeq uint64    `json:"from_seq,omitempty"`
	ToSeq   uint64    `json:"to_seq,omitempty"`  // inclusive
	Actions []string  `json:"actions,omitempty"` // patterns
	Source  string    `json:"source,omitempty"`
	UserID  string    `json:"user_id,omitempty"`
	EventID string    `json:"event_id,omitempty"`
}

// A Stored is an event as it lies in the stream.
type Stored struct {
	Seq     uint64
	Time    time.Time // when the stream took it
	Subject string
	Header  map[string][]string
	Body    []byte
}

// Select calls each with the chosen events in their order, original ones only: copies by redrive and replay are left
// out. It ends at what was the end of the stream when it began, or at an error of each.
func Select(ctx context.Context, js jetstream.JetStream, s Stream, sel Selector, each func(Stored) error) error {
	if err := errors.Join(s.check(), sel.check()); err != nil {
		return fmt.Errorf("select events: %w", err)
	}
	err := scan(ctx, js, s.Name, sel.scan(s), func(e Stored) error {
		if !sel.matches(e) {
			return nil
		}
		return each(e)
	})
	if err != nil {
		return fmt.Errorf("select events: %w", err)
	}
	return nil
}

func (sel Selector) check() error {
	for _, pattern := range sel.Actions {
		if !ValidPattern(pattern) {
			return fmt.Errorf("action %q is no action, category.* or *", pattern)
		}
	}
	if sel.Source != "" && !schema.ValidSource(sel.Source) {
		return fmt.Errorf("source %q is no name of a source", sel.Source)
	}
	return nil
}

// scan says where to look; matches decides the rest.
func (sel Selector) scan(s Stream) scanConfig {
	source := sel.Source
	if source == "" {
		source = "*"
	}
	return scanConfig{
		subjects: subjects(s.Prefix, source, sel.Actions), from: sel.FromSeq, to: sel.ToSeq, since: sel.Since,
	}
}

func (sel Selector) matches(e Stored) bool {
	switch {
	case e.Seq < sel.FromSeq, e.Time.Before(sel.Since), !sel.Until.IsZero() && !e.Time.Before(sel.Until):
		return false
	case sel.UserID != "" && header(e.Header, schema.HeaderSubject) != sel.UserID:
		return false
	}
	return sel.EventID == "" || header(e.Header, schema.HeaderID) == sel.EventID
}

// header is the value of a CloudEvents attribute; empty where it is missing.
func header(h map[string][]string, name string) string {
	if len(h[name]) != 1 {
		return ""
	}
	value, err := schema.UnescapeHeader(h[name][0])
	if err != nil {
		return ""
	}
	return value
}

// A scanConfig says what of a stream to read.
type scanConfig struct {
	subjects    []string
	from, to    uint64    // sequences, inclusive; 0: the beginning, the end
	since       time.Time // where from is 0
	headersOnly bool
	total       func(uint64) // told how many messages there are at most; nil: nobody asks
}

// errEnough ends a scan without being an error of it.
var errEnough = errors.New("enough")

// scan calls each with messages of a stream in their order, to the end that the stream had when it began.
func scan(ctx context.Context, js jetstream.JetStream, stream string, c scanConfig, each func(Stored) error) error {
	last, err := end(ctx, js, stream)
	if err != nil {
		return err
	}
	if c.to == 0 || c.to > last {
		c.to = last
	}
	reader, err := js.OrderedConsumer(ctx, stream, c.reader())
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer forget(ctx, js, stream, reader)
	pending := reader.CachedInfo().NumPending
	if c.total != nil {
		c.total(pending)
	}
	if pending == 0 || c.from > c.to {
		return nil
	}
	messages, err := reader.Messages(jetstream.PullHeartbeat(scanPulse))
	if err != nil {
		return fmt.Errorf("read stream %s: %w", stream, err)
	}
	defer messages.Stop()
	if err := c.read(ctx, reader, messages, each); err != nil && !errors.Is(err, errEnough) {
		return err
	}
	return nil
}

// forget removes a reader now. The server would do so in five minutes, and takes no more than a thousand of them meanwhile.
func forget(ctx context.Context, js jetstream.JetStream, stream string, reader jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = js.DeleteConsumer(ctx, stream, reader.CachedInfo().Name)
}

func (c scanConfig) reader() jetstream.OrderedConsumerConfig {
	reader := jetstream.OrderedConsumerConfig{FilterSubjects: c.subjects, HeadersOnly: c.headersOnly}
	switch {
	case c.from > 0:
		reader.DeliverPolicy, reader.OptStartSeq = jetstream.DeliverByStartSequencePolicy, c.from
	case !c.since.IsZero():
		reader.DeliverPolicy, reader.OptStartTime = jetstream.DeliverByStartTimePolicy, &c.since
	}
	return reader
}

const (
	scanPulse = 2 * time.Second // how often the server says that it knows of us; twice without means that it does not
	scanStall = 5 * time.Second // for the next message, before the server is asked whether there is one; longer than that
)

func (c scanConfig) read(
	ctx context.Context, reader jetstream.Consumer, messages jetstream.MessagesContext, each func(Stored) error,
) error {
	last := uint64(0) // the reader's number of the message that came last
	for {
		msg, err := next(ctx, messages)
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			if drained(ctx, reader, last) {
				return nil
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("read the next message: %w", err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return fmt.Errorf("read the next message: %w", err)
		}
		last = meta.Sequence.Consumer
		if meta.Sequence.Stream > c.to {
			return nil
		}
		if err := each(Stored{
			Seq: meta.Sequence.Stream, Time: meta.Timestamp, Subject: msg.Subject(), Header: msg.Headers(), Body: msg.Data(),
		}); err != nil {
			return err
		}
		if meta.NumPending == 0 || meta.Sequence.Stream == c.to {
			return nil
		}
	}
}

func next(ctx context.Context, messages jetstream.MessagesContext) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeout(ctx, scanStall)
	defer cancel()
	return messages.Next(jetstream.NextContext(ctx))
}

// drained reports whether the server has nothing left for a reader, who got all that was sent: the messages that were to
// come have been deleted, or their lifetime is over.
func drained(ctx context.Context, reader jetstream.Consumer, last uint64) bool {
	info, err := reader.Info(ctx)
	return err == nil && info.NumPending == 0 && (info.Delivered.Consumer == last || info.Delivered.Consumer == 0)
}

// end is the last sequence of a stream.
func end(ctx context.Context, js jetstream.JetStream, stream string) (uint64, error) {
	info, err := js.Stream(ctx, stream)
	if err != nil {
		return 0, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return info.CachedInfo().State.LastSeq, nil
}
