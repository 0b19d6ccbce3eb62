package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// DeadLetters copies every event whose attempts ended without success to the stream of dead letters. It works for every
// client: what it reads are the server's advisories, which wait in a stream of their own while it does not run. Several
// may run at once. One copy is made for a consumer and a stream sequence.
//
// An unanswered last attempt is noticed by the server when its step of the schedule is over and, as nats-server 2.15 goes
// about it, once a client of the durable asks for events again.
type DeadLetters struct {
	JS      jetstream.JetStream
	Stream  Stream
	Log     *slog.Logger // nil: nothing is logged
	Metrics *Metrics     // nil: nothing is counted

	// Ensure makes a stream, or brings the one that is there up to date, and words how it stays different from what is
	// wanted. Nil: one that is there is left as it is.
	Ensure func(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) (differences []string, err error)

	said map[string]bool // differences that were logged
}

// The headers that a dead letter has beside those of its event. Nats-Msg-Id is "<consumer>/<sequence>", and a Nats-TTL
// becomes Forebay-Dead-TTL: a dead letter stays.
const (
	HeaderDeadConsumer = "Forebay-Dead-Consumer"
	HeaderDeadReason   = "Forebay-Dead-Reason"
	HeaderDeadAttempts = "Forebay-Dead-Attempts"
	HeaderDeadSeq      = "Forebay-Dead-Seq"  // in the stream of events
	HeaderDeadTime     = "Forebay-Dead-Time" // RFC 3339
	HeaderDeadTTL      = "Forebay-Dead-TTL"  // the Nats-TTL that the event had
)

const (
	reasonExhausted = "max deliveries"
	reasonGone      = "removed from the stream before it was done with"
)

// gone takes the place of source and action in the subject of a dead letter whose event is gone. No event has it.
const gone = "_._._"

// collector is the durable on the stream of advisories.
const collector = "forebay-dead-letters"

// An advisory is what the server says when it stops handing a message over. Both kinds are read by these members.
// https://github.com/nats-io/nats-server/blob/main/server/jetstream_events.go
type advisory struct {
	Type       string    `json:"type"`
	Time       time.Time `json:"timestamp"`
	Stream     string    `json:"stream"`
	Consumer   string    `json:"consumer"`
	Seq        uint64    `json:"stream_seq"`
	Deliveries int       `json:"deliveries"`
	Reason     string    `json:"reason"`
}

// Run declares the streams and copies dead letters until ctx ends. While the server is away it keeps trying.
func (d *DeadLetters) Run(ctx context.Context) error {
	if d.Metrics == nil {
		d.Metrics, _ = NewMetrics(nil)
	}
	d.quiet()
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(100*time.Millisecond),
		backoff.WithMaxInterval(5*time.Second), backoff.WithMaxElapsedTime(0))
	for ctx.Err() == nil {
		err := d.collect(ctx, pause.Reset)
		if ctx.Err() != nil {
			break
		}
		d.Log.Warn("collect dead letters", "err", err)
		wait(ctx, pause.NextBackOff())
	}
	return nil
}

func (d *DeadLetters) collect(ctx context.Context, bound func()) error {
	if err := d.Declare(ctx); err != nil {
		return err
	}
	durable, err := d.JS.Consumer(ctx, d.Stream.Advisory(), collector)
	if err != nil {
		return fmt.Errorf("bind to durable %s: %w", collector, err)
	}
	bound()
	for ctx.Err() == nil {
		if err := d.fetch(ctx, durable); err != nil {
			return err
		}
	}
	return nil
}

func (d *DeadLetters) fetch(ctx context.Context, durable jetstream.Consumer) error {
	request, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	batch, err := durable.Fetch(fetchMost, jetstream.FetchContext(request), jetstream.FetchHeartbeat(fetchPulse))
	if err != nil {
		return fmt.Errorf("fetch advisories: %w", err)
	}
	for msg := range batch.Messages() {
		if err := d.take(ctx, msg); err != nil {
			d.Log.Error("copy a dead letter", "err", err)
			_ = msg.NakWithDelay(time.Second) // unanswered it comes again as well, only later
			// The stream of dead letters is gone, or takes no such subject any more: it is declared again.
			if errors.Is(err, jetstream.ErrNoStreamResponse) {
				return fmt.Errorf("collect dead letters: %w", err)
			}
		}
	}
	if err := batch.Error(); err != nil && request.Err() == nil && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("fetch advisories: %w", err)
	}
	return nil
}

// take copies the message that an advisory names, unless that was done.
func (d *DeadLetters) take(ctx context.Context, msg jetstream.Msg) error {
	var a advisory
	if json.Unmarshal(msg.Data(), &a) != nil || a.Consumer == "" || a.Seq == 0 {
		d.Log.Error("an advisory that cannot be read is dropped", "subject", msg.Subject())
		return msg.DoubleAck(ctx)
	}
	meta, err := msg.Metadata()
	if err != nil {
		return err
	}
	copied := false
	if meta.NumDelivered > 1 { // whoever had it before may have made the copy
		if copied, err = d.copied(ctx, a, meta.Timestamp); err != nil {
			return err
		}
	}
	if !copied {
		if err := d.copy(ctx, a); err != nil {
			return fmt.Errorf("%s/%d: %w", a.Consumer, a.Seq, err)
		}
	}
	return msg.DoubleAck(ctx)
}

// copied looks whether the copy is there. The server's duplicate window is too short to know it after an outage.
func (d *DeadLetters) copied(ctx context.Context, a advisory, since time.Time) (found bool, err error) {
	err = scan(ctx, d.JS, d.Stream.Dead(), scanConfig{
		subjects: []string{d.Stream.deadOf(a.Consumer)}, since: since, headersOnly: true,
	}, func(copied Stored) error {
		if found = nats.Header(copied.Header).Get(schema.HeaderMsgID) == a.id(); found {
			return errEnough
		}
		return nil
	})
	return found, err
}

// id is the Nats-Msg-Id of the dead letter.
func (a advisory) id() string { return a.Consumer + "/" + strconv.FormatUint(a.Seq, 10) }

func (d *DeadLetters) copy(ctx context.Context, a advisory) error {
	stream, err := d.JS.Stream(ctx, d.Stream.Name)
	if err != nil {
		return fmt.Errorf("read stream %s: %w", d.Stream.Name, err)
	}
	original, err := stream.GetMsg(ctx, a.Seq)
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("read the event: %w", err)
	}
	letter := d.letter(a, original)
	ack, err := d.JS.PublishMsg(ctx, letter, jetstream.WithExpectStream(d.Stream.Dead()))
	if errors.Is(err, nats.ErrMaxPayload) { // our headers are too much for it: the event itself stays in its stream
		letter.Data = nil
		ack, err = d.JS.PublishMsg(ctx, letter, jetstream.WithExpectStream(d.Stream.Dead()))
	}
	if err != nil {
		return fmt.Errorf("publish %s: %w", letter.Subject, err)
	}
	if !ack.Duplicate {
		d.Metrics.dead.WithLabelValues(a.Consumer).Inc()
		d.Log.Warn("dead letter", "consumer", a.Consumer, "seq", a.Seq, "attempt", a.Deliveries,
			"id", letter.Header.Get(schema.HeaderID), "reason", letter.Header.Get(HeaderDeadReason))
	}
	return nil
}

// letter is the dead letter of an event; nil: the event is gone.
func (d *DeadLetters) letter(a advisory, original *jetstream.RawStreamMsg) *nats.Msg {
	msg := &nats.Msg{Subject: d.Stream.dead(a.Consumer, gone), Header: nats.Header{}}
	if original != nil {
		if event, ok := d.Stream.event(original.Subject); ok {
			msg.Subject = d.Stream.dead(a.Consumer, event)
		}
		msg.Data, msg.Header = original.Data, published(original.Header)
	}
	if ttl := msg.Header.Get(schema.HeaderTTL); ttl != "" {
		msg.Header.Set(HeaderDeadTTL, ttl)
		msg.Header.Del(schema.HeaderTTL)
	}
	for name, value := range map[string]string{
		schema.HeaderMsgID: a.id(),
		HeaderDeadConsumer: a.Consumer,
		HeaderDeadReason:   a.reason(original == nil),
		HeaderDeadAttempts: strconv.Itoa(a.Deliveries),
		HeaderDeadSeq:      strconv.FormatUint(a.Seq, 10),
		HeaderDeadTime:     a.Time.UTC().Format(time.RFC3339Nano),
	} {
		msg.Header.Set(name, value)
	}
	return msg
}

// reason is the handler's, the server's where the attempts ran out, and ours where the event went away.
func (a advisory) reason(isGone bool) string {
	switch a.Reason {
	case "Message deleted by stream limits", "Unacknowledged message was deleted": // nats-server's words
		return reasonGone
	case "":
		if a.Type == "io.nats.jetstream.advisory.v1.max_deliver" {
			return reasonExhausted
		}
		if isGone {
			return reasonGone
		}
		return "terminated"
	}
	return oneLine(a.Reason)
}
