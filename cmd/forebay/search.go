package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

const (
	firstChunk = 1 << 10 // messages; most people look for what has just happened
	lastChunk  = 1 << 18
)

// A search looks for an ID from the newest message of a stream backwards, in growing chunks. Only headers travel. It
// stops behind the chunk that has a match.
type search struct {
	stream   jetstream.Stream
	what     string // it looks for: "delivery"; empty: "event"
	id       string // an event ID, or "<source>/<event id>"
	all      bool   // do not stop
	progress screen
}

// notThere is an error that says all by itself, without the name of the stream.
type notThere string

func (n notThere) Error() string { return string(n) }

// run gives what it finds, newest first. Nothing is an error that says how far it looked.
func (s search) run(ctx context.Context) (found []stored, err error) {
	info, err := s.stream.Info(ctx)
	if err != nil {
		return nil, fmt.Errorf("read its state: %w", err)
	}
	first, last := info.State.FirstSeq, info.State.LastSeq
	total := last - first + 1
	if info.State.Msgs == 0 {
		return nil, errors.New("nothing found: it is empty")
	}
	for size := uint64(firstChunk); last >= first && (len(found) == 0 || s.all); size = min(4*size, lastChunk) {
		low := max(first, last-min(size, last)+1)
		matches, err := s.chunk(ctx, low, last)
		if err != nil {
			return nil, err
		}
		found = append(found, matches...)
		last = low - 1
		s.show(info.State.LastSeq-last, total)
	}
	s.clear(total)
	if len(found) == 0 {
		return nil, notThere(fmt.Sprintf("no %s with the ID %s: the stream holds #%d to #%d, since %s",
			cmp.Or(s.what, "event"), printable(s.id), first, info.State.LastSeq, info.State.FirstTime.UTC().Format(time.RFC3339)))
	}
	return found, nil
}

// chunk gives the messages from low to high that match, newest first.
func (s search) chunk(ctx context.Context, low, high uint64) ([]stored, error) {
	sequences, err := s.sequences(ctx, low, high)
	if err != nil {
		return nil, fmt.Errorf("search #%d to #%d: %w", low, high, err)
	}
	found := make([]stored, 0, len(sequences))
	for i := len(sequences) - 1; i >= 0; i-- {
		m, err := get(ctx, s.stream, sequences[i])
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue // its lifetime ended just now
		}
		if err != nil {
			return nil, err
		}
		found = append(found, m)
	}
	return found, nil
}

// sequences gives what matches from low to high.
func (s search) sequences(ctx context.Context, low, high uint64) (matches []uint64, err error) {
	headers := scan{stream: s.stream, high: high, config: jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: low, HeadersOnly: true,
	}}
	err = headers.run(ctx, func(m jetstream.Msg, meta *jetstream.MsgMetadata) error {
		if s.matches(m.Headers().Get(schema.HeaderMsgID)) {
			matches = append(matches, meta.Sequence.Stream)
		}
		return nil
	})
	return matches, err
}

// matches compares with the event's ID, alone and behind its source.
func (s search) matches(header string) bool {
	id := messageID(header)
	_, alone, _ := strings.Cut(id, "/")
	return id != "" && (s.id == id || s.id == alone)
}

func (s search) show(done, total uint64) {
	if s.progress.terminal && total > lastChunk {
		fmt.Fprintf(s.progress, "\rsearched %d of %d messages", done, total)
	}
}

func (s search) clear(total uint64) {
	if s.progress.terminal && total > lastChunk {
		fmt.Fprint(s.progress, "\r\x1b[K")
	}
}
