package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// A held knows which of some events the stream has. What is younger than its last look it leaves to the stream's
// duplicate window, so a look must not be older than that.
type held struct {
	stream   jetstream.Stream
	name     string
	prefix   string
	window   time.Duration // for which the stream knows a repeated Nats-Msg-Id
	progress func(format string, args ...any)

	there   map[string]bool // by "<source>/<event id>": of every event that is wanted, whether it is there
	sources map[string]bool
	since   time.Time // nothing before it is looked at
	seen    uint64    // the sequence that the last look reached
	looked  time.Time // when that began; zero: never
}

// clockMargin is how far the clock of the server may be from ours.
const clockMargin = time.Hour

func newHeld(ctx context.Context, q *quarantine, progress func(string, ...any)) (*held, error) {
	name := q.config.Stream.Name
	stream, err := q.stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return &held{
		stream: stream, name: name, prefix: q.config.Stream.Prefix, window: stream.CachedInfo().Config.Duplicates,
		progress: progress, there: map[string]bool{}, sources: map[string]bool{},
	}, nil
}

// want adds events to look for. No copy of them is older than since.
func (h *held) want(source string, since time.Time, messages []schema.Message) {
	for _, m := range messages {
		h.there[m.ID] = false
	}
	if h.since.IsZero() || since.Before(h.since) {
		h.since = since
	}
	h.sources[source] = true
}

// add notes an event that was published.
func (h *held) add(id string) { h.there[id] = true }

// has reports whether the stream has an event, as it was half a duplicate window ago at the most.
func (h *held) has(ctx context.Context, id string) (bool, error) {
	if time.Since(h.looked) > h.window/2 {
		if err := h.look(ctx); err != nil {
			return false, err
		}
	}
	return h.there[id], nil
}

// look reads the headers that the stream took since the last look.
func (h *held) look(ctx context.Context) error {
	if len(h.there) == 0 {
		return nil
	}
	began := time.Now()
	info, err := h.stream.Info(ctx)
	if err != nil {
		return fmt.Errorf("stream %s: %w", h.name, err)
	}
	last := info.State.LastSeq
	scan := scan{stream: h.stream, config: h.from(), high: last}
	err = scan.run(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		h.progress("look through the stream: %d messages left", meta.NumPending)
		id := messageID(m.Headers().Get(schema.HeaderMsgID))
		if _, wanted := h.there[id]; wanted {
			h.there[id] = true
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look through stream %s: %w", h.name, err)
	}
	h.seen, h.looked = max(h.seen, last), began
	return nil
}

// from is where the next look begins.
func (h *held) from() jetstream.OrderedConsumerConfig {
	c := jetstream.OrderedConsumerConfig{HeadersOnly: true}
	for _, source := range slices.Sorted(maps.Keys(h.sources)) {
		c.FilterSubjects = append(c.FilterSubjects, h.prefix+"."+source+".>")
	}
	if h.looked.IsZero() {
		start := h.since.Add(-clockMargin)
		c.DeliverPolicy, c.OptStartTime = jetstream.DeliverByStartTimePolicy, &start
	} else {
		c.DeliverPolicy, c.OptStartSeq = jetstream.DeliverByStartSequencePolicy, h.seen+1
	}
	return c
}
