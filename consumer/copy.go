package consumer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// errLapsed is why a copy is not made: whoever gets it could take it for a fresh event.
var errLapsed = errors.New("the lifetime of its action is over")

// ErrNoConsumer is that the stream has no durable of the name.
var ErrNoConsumer = errors.New("no consumer")

// copyFor makes the copy of an event that one consumer sees and nobody else: the same bytes under another subject and
// another Nats-Msg-Id. A message with a lifetime gets what is left of it, counted from born.
func (s Stream) copyFor(consumer, id string, e Stored, born, now time.Time) (*nats.Msg, error) {
	event, ok := s.event(e.Subject)
	if !ok {
		return nil, fmt.Errorf("copy %s: it is no event", e.Subject)
	}
	h := nats.Header(maps.Clone(e.Header))
	for _, name := range []string{
		HeaderDeadConsumer, HeaderDeadReason, HeaderDeadAttempts, HeaderDeadSeq, HeaderDeadTime, HeaderDeadTTL,
	} {
		h.Del(name)
	}
	if text := h.Get(schema.HeaderTTL); text != "" {
		left, err := left(text, born, now)
		if err != nil {
			return nil, err
		}
		h.Set(schema.HeaderTTL, left.String())
	}
	h.Set(schema.HeaderMsgID, id)
	if number(h.Get(HeaderReplayOf)) == 0 { // else e is a copy itself, and it says of which event
		h.Set(HeaderReplayOf, strconv.FormatUint(e.Seq, 10))
	}
	return &nats.Msg{Subject: s.redrive(consumer, event), Header: h, Data: e.Body}, nil
}

// left is what is left of a lifetime, in whole seconds as the server takes them.
func left(ttl string, born, now time.Time) (time.Duration, error) {
	length, err := lifetime(ttl)
	if err != nil {
		return 0, fmt.Errorf("copy an event: lifetime %q cannot be read", ttl)
	}
	rest := (length - now.Sub(born)).Truncate(time.Second)
	if rest < time.Second {
		return 0, errLapsed
	}
	return rest, nil
}

// listens makes sure that a durable sees the copies that are made for it.
func (s Stream) listens(ctx context.Context, js jetstream.JetStream, consumer string) error {
	durable, err := s.Find(ctx, js, consumer)
	if err != nil {
		return err
	}
	if !slices.Contains(durable.CachedInfo().Config.FilterSubjects, s.redrive(consumer, ">")) {
		return fmt.Errorf("consumer %s does not read %s: declare it in the configuration", consumer, s.redrive(consumer, ">"))
	}
	return nil
}

// Find reads the durable of a consumer. The error is ErrNoConsumer where there is none of that name.
func (s Stream) Find(ctx context.Context, js jetstream.JetStream, consumer string) (jetstream.Consumer, error) {
	durable, err := js.Consumer(ctx, s.Name, consumer)
	if errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrInvalidConsumerName) {
		return nil, fmt.Errorf(`%w %q: the configuration and "forebay consumers" name them`, ErrNoConsumer, consumer)
	}
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", consumer, err)
	}
	return durable, nil
}

// published gives the headers that a message was published with. A message that was read directly has some of the server's
// beside them, which in a copy would hide where the copy itself stands.
func published(h nats.Header) nats.Header {
	own := nats.Header{}
	for name, values := range h {
		if !slices.Contains(serversHeaders, name) {
			own[name] = values
		}
	}
	return own
}

var serversHeaders = []string{
	jetstream.StreamHeader, jetstream.SequenceHeader, jetstream.TimeStampHeaer, jetstream.SubjectHeader,
	jetstream.LastSequenceHeader, jetstream.ExpectedStreamHeader,
}
