package publisher

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// A stream is a JetStream stream and the lines that end in it. JetStream acknowledges before it flushes, so it may forget;
// the stream remembers enough of what it acknowledged to notice.
type stream struct {
	config  Config
	name    string
	prefix  string // of its subjects
	lines   []*line
	metrics *metrics
	problem atomic.Pointer[error] // why nothing is published now
	answers atomic.Uint64         // acknowledgements so far

	mark        mark
	server      string       // the server that acknowledged
	checkpoints []checkpoint // oldest first

	mu     sync.Mutex
	high   uint64 // a sequence that the stream has reached
	anchor anchor // the highest of our messages that it is known to hold
}

type anchor struct {
	seq uint64
	id  string // Nats-Msg-Id
}

// A mark is kept in the journal: whatever record of the journal stands in the stream that was created then, stands behind
// Floor. Records before Next, by line, were acknowledged.
type mark struct {
	Created time.Time `json:"created"`
	Floor   uint64    `json:"floor"`
	Next    []uint64  `json:"next"`
}

func newStream(c Config, m *metrics, name, prefix string, lanes ...journal.Lane) *stream {
	s := &stream{config: c, metrics: m, name: name, prefix: prefix}
	s.problem.Store(&errNotConnected)
	for _, l := range lanes {
		s.lines = append(s.lines, &line{
			lane: l, stream: s, aside: make(map[uint64]bool),
			published: m.published.WithLabelValues(l.String()), duplicates: m.duplicates.WithLabelValues(l.String()),
		})
	}
	return s
}

// restore begins at the oldest record that the journal kept. Whatever is there may have been sent before.
func (s *stream) restore() error {
	data, err := s.config.Journal.Mark(s.name)
	if err != nil {
		return err
	}
	if data != nil {
		if err := json.Unmarshal(data, &s.mark); err != nil {
			return fmt.Errorf("journal: mark of stream %s: %w", s.name, err)
		}
	}
	for i, l := range s.lines {
		_, l.offered = s.config.Journal.Bounds(l.lane)
		l.rewind(s.mark.Floor)
		if i < len(s.mark.Next) && s.mark.Next[i] > 0 {
			l.ackedBefore = s.mark.Next[i] - 1
		}
	}
	return nil
}

// reconcile finds out what the stream holds of the journal. If it is the stream that acknowledged, and holds what it
// acknowledged, only what was on its way when the last session ended is in doubt. Otherwise the whole guard window is.
func (s *stream) reconcile(ctx context.Context, js jetstream.JetStream, server string) error {
	handle, err := js.Stream(ctx, s.name)
	if err != nil {
		return fmt.Errorf("stream %s: %w", s.name, err)
	}
	info := handle.CachedInfo()
	intact, err := s.intact(ctx, js, info, s.anchored())
	if err != nil {
		return err
	}
	if !intact || server != s.server {
		if err := s.rewind(info); err != nil {
			return err
		}
	}
	s.server = server
	for _, l := range s.lines {
		l.begin(info.State.LastSeq)
	}
	if from, ok := s.inDoubt(); ok && info.State.LastSeq >= from {
		if err := s.strikeOut(ctx, js, from, info.State.LastSeq); err != nil {
			return err
		}
	}
	s.saw(info.State.LastSeq, "")
	return nil
}

// intact reports whether the stream is the one that acknowledged and still holds the last that it had acknowledged when
// the info was asked for.
func (s *stream) intact(ctx context.Context, js jetstream.JetStream, info *jetstream.StreamInfo, anchor anchor) (bool, error) {
	if !info.Created.Equal(s.mark.Created) || info.State.LastSeq < anchor.seq {
		return false, nil
	}
	if anchor.seq == 0 || anchor.seq < info.State.FirstSeq {
		return true, nil
	}
	header, err := s.header(ctx, js, anchor.seq)
	if errors.Is(err, nats.ErrMsgNotFound) {
		return true, nil // it has expired or was deleted: what was forgotten would have been followed by others
	}
	if err != nil {
		return false, err
	}
	return header.Get(nats.MsgIdHdr) == schema.EscapeHeader(anchor.id), nil
}

// leaderWait is how long the stream's leader may take to read a message.
const leaderWait = 5 * time.Second

// header reads that of a message from the stream's leader, who alone can say that there is none: jetstream asks whichever
// replica answers first, and that one may be behind.
func (s *stream) header(ctx context.Context, js jetstream.JetStream, seq uint64) (nats.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	leader, err := js.Conn().JetStream()
	if err != nil {
		return nil, err
	}
	message, err := leader.GetMsg(s.name, seq, nats.Context(ctx))
	if err != nil {
		return nil, fmt.Errorf("stream %s: read sequence %d: %w", s.name, seq, err)
	}
	return message.Header, nil
}

// rewind puts all lines back to the oldest record of the journal, and remembers where in this stream to look for them.
func (s *stream) rewind(info *jetstream.StreamInfo) error {
	floor := uint64(0)
	switch {
	case info.Created.Equal(s.mark.Created):
		floor = min(s.mark.Floor, info.State.LastSeq)
	case s.nothingSent():
		floor = info.State.LastSeq
	}
	s.mark.Created, s.mark.Floor = info.Created, floor
	if err := s.config.Journal.SetMark(s.name, s.mark.encode(), true); err != nil {
		return err
	}
	s.checkpoints = s.checkpoints[:0]
	for _, l := range s.lines {
		l.rewind(floor)
	}
	s.mu.Lock()
	s.high, s.anchor = 0, anchor{}
	s.mu.Unlock()
	return nil
}

func (m mark) encode() []byte {
	data, _ := json.Marshal(m) // cannot fail: a time and a number
	return data
}

func (s *stream) nothingSent() bool {
	for _, l := range s.lines {
		if l.offered > 0 {
			return false
		}
	}
	return true
}

// inDoubt gives the stream sequence from which on records of the journal may stand, if any may.
func (s *stream) inDoubt() (from uint64, ok bool) {
	for _, l := range s.lines {
		if l.uncertain() && (!ok || l.floor+1 < from) {
			from, ok = l.floor+1, true
		}
	}
	return from, ok
}

// strikeOut reads the IDs of the stream's messages in a span of sequences, and notes which records of the journal they
// are. The duplicate window may be long over for them.
func (s *stream) strikeOut(ctx context.Context, js jetstream.JetStream, from, to uint64) error {
	reader, err := js.OrderedConsumer(ctx, s.name, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, HeadersOnly: true,
		InactiveThreshold: 30 * time.Second,
	})
	if err != nil {
		return fmt.Errorf("stream %s: read from %d: %w", s.name, from, err)
	}
	messages, err := reader.Messages(jetstream.PullMaxMessages(4096))
	if err != nil {
		return fmt.Errorf("stream %s: read from %d: %w", s.name, from, err)
	}
	defer messages.Stop()
	for {
		message, err := messages.Next(jetstream.NextMaxWait(readWait))
		if errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
			return s.ended(ctx, js, to)
		}
		if err != nil {
			return fmt.Errorf("stream %s: read: %w", s.name, err)
		}
		meta, err := message.Metadata()
		if err != nil {
			return fmt.Errorf("stream %s: read: %w", s.name, err)
		}
		if err := s.note(message.Headers().Get(nats.MsgIdHdr), meta.Sequence.Stream); err != nil {
			return err
		}
		if meta.Sequence.Stream >= to {
			return nil
		}
		if meta.NumPending == 0 {
			return s.ended(ctx, js, to)
		}
	}
}

// readWait is how long the stream may take to come up with a message.
const readWait = 2 * time.Second

// ended tells whether nothing is left up to a sequence: what stood there has expired or was deleted. If it is still there
// the reader is slow, or sits on a replica that is behind, and what it did not show may be in the stream all the same.
func (s *stream) ended(ctx context.Context, js jetstream.JetStream, to uint64) error {
	_, err := s.header(ctx, js, to)
	if errors.Is(err, nats.ErrMsgNotFound) {
		return nil
	}
	if err == nil {
		err = fmt.Errorf("stream %s: read up to %d: the reader is behind", s.name, to)
	}
	return err
}

func (s *stream) note(header string, seq uint64) error {
	id, err := schema.UnescapeHeader(header)
	if err != nil {
		return nil // not of our making
	}
	lane, record, ok, err := s.config.Journal.Find(id)
	if err != nil || !ok {
		return err
	}
	for _, l := range s.lines {
		if l.lane == lane {
			l.held.add(record)
			s.saw(seq, id)
		}
	}
	return nil
}

// saw remembers that the stream has reached a sequence, and, with an ID, what stands there.
func (s *stream) saw(seq uint64, id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.high = max(s.high, seq)
	if id != "" && seq > s.anchor.seq {
		s.anchor = anchor{seq, id}
	}
}

func (s *stream) anchored() anchor {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.anchor
}
