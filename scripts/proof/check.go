package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/tidwall/gjson"
)

// quiet is how long nothing new must have come when everything is there; silence, when something is missing.
const (
	quiet   = time.Second
	silence = 12 * time.Second // longer than forebay waits for a silent server
)

// settle waits until everything that was accepted is in the stream, or nothing more comes, and counts.
func (t *trial) settle(ctx context.Context, healed time.Time) (*tally, error) {
	return t.settleMarked(ctx, math.MaxInt64, healed)
}

// settleMarked is settle for a forebay that can only know what was accepted up to a mark. What came later may be in the
// stream or not.
func (t *trial) settleMarked(ctx context.Context, upTo mark, healed time.Time) (*tally, error) {
	c := newCheck(t.ledger, upTo)
	if err := c.read(ctx, t.daemon.nats); err != nil {
		return nil, fmt.Errorf("read stream %s: %w", streamName, err)
	}
	sum := c.sum()
	sum.Recovered = max(0, c.complete.Sub(healed))
	if line := t.daemon.panicked(); line != "" {
		sum.violate("round %d: forebay wrote %q", t.round, line)
	}
	return sum, nil
}

// A check compares a stream with a ledger, message by message in the order of the stream.
type check struct {
	ledger   *ledger
	upTo     mark
	awaited  int // accepted events that were not seen yet
	quiet    time.Duration
	silence  time.Duration
	tally    tally
	latest   map[string]int64 // by lane: when the latest event so far was first sent
	complete time.Time        // when the last that was awaited came
	last     uint64           // sequence of the latest message read
}

func newCheck(l *ledger, upTo mark) *check {
	c := &check{
		ledger: l, upTo: upTo, quiet: quiet, silence: silence, latest: map[string]int64{}, complete: time.Now(),
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.events {
		e.seen = 0
		if c.due(e) {
			c.tally.Accepted++
		}
	}
	c.awaited = c.tally.Accepted
	return c
}

// due reports whether an event must be in the stream.
func (c *check) due(e *event) bool { return e.answered > 0 && e.answered <= int64(c.upTo) }

// read reads the stream from its beginning until it is quiet.
func (c *check) read(ctx context.Context, url string) error {
	js, err := connect(url, nats.Timeout(5*time.Second), nats.MaxReconnects(-1), nats.ReconnectWait(100*time.Millisecond))
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	messages, err := follow(ctx, js)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for heard := time.Now(); time.Since(heard) < c.patience(); {
		m, err := messages.Next(jetstream.NextMaxWait(100 * time.Millisecond))
		switch {
		case errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil:
		case err != nil:
			return errors.Join(err, ctx.Err())
		default:
			heard = time.Now()
			if err := c.message(m); err != nil {
				return err
			}
		}
	}
	return c.atEnd(ctx, js)
}

// atEnd looks whether the reader came to the end of the stream. One that was given nothing proves nothing.
func (c *check) atEnd(ctx context.Context, js jetstream.JetStream) error {
	stream, err := js.Stream(ctx, streamName)
	if err != nil {
		return err
	}
	if last := stream.CachedInfo().State.LastSeq; c.last < last {
		return fmt.Errorf("the reader stopped at sequence %d, the stream ends with %d", c.last, last)
	}
	return nil
}

func (c *check) patience() time.Duration {
	if c.awaited > 0 {
		return c.silence
	}
	return c.quiet
}

// follow waits for the stream, which a forebay that has just started may still be making.
func follow(ctx context.Context, js jetstream.JetStream) (messages jetstream.MessagesContext, err error) {
	err = poll(ctx, startTime, func() error {
		reader, err := js.OrderedConsumer(ctx, streamName, jetstream.OrderedConsumerConfig{})
		if err != nil {
			return err
		}
		// A request that a cluster loses while it heals is noticed by the missing heartbeat, and made again.
		messages, err = reader.Messages(jetstream.PullMaxMessages(2048), jetstream.PullHeartbeat(time.Second))
		return err
	})
	return messages, err
}

func (c *check) message(m jetstream.Msg) error {
	place, err := m.Metadata()
	if err != nil {
		return err
	}
	c.last = place.Sequence.Stream
	c.compare(m)
	return nil
}

// compare counts a message as one of an event of the ledger.
func (c *check) compare(m jetstream.Msg) {
	key := m.Headers().Get(nats.MsgIdHdr)
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	e := c.ledger.events[key]
	if e == nil || e.tampered || e.refused && !e.doubtful && e.answered == 0 {
		c.tally.Forged++
		c.tally.violate("in the stream, and never sent so: %q on %s", key, m.Subject())
		return
	}
	if e.seen++; e.seen > 1 {
		if e.seen == 2 {
			c.tally.Twice++
		}
		return
	}
	c.tally.InStream++
	e.place = c.tally.InStream
	if c.due(e) {
		c.awaited--
		c.complete = time.Now()
	}
	c.order(e)
	c.content(e, m)
}

// order looks whether an event stands behind one of its lane that was sent only after this one was accepted.
func (c *check) order(e *event) {
	if e.answered > 0 && e.answered < c.latest[e.lane] {
		c.tally.Disordered++
	}
	c.latest[e.lane] = max(c.latest[e.lane], e.first)
}

func (c *check) content(e *event, m jetstream.Msg) {
	body := m.Data()
	payload := gjson.GetBytes(body, "payload").Raw
	switch {
	case m.Subject() != e.subject:
		c.garbled("%s: on %s, want %s", e.key, m.Subject(), e.subject)
	case !gjson.ValidBytes(body):
		c.garbled("%s: the body is no JSON", e.key)
	case gjson.GetBytes(body, "source").Str+"/"+gjson.GetBytes(body, "id").Str != e.key:
		c.garbled("%s: the body is that of another event", e.key)
	case e.payload != 0 && digest([]byte(payload)) != e.payload:
		c.garbled("%s: the payload is not what was sent", e.key)
	}
}

func (c *check) garbled(format string, args ...any) {
	c.tally.Garbled++
	c.tally.violate(format, args...)
}

// sum counts what is missing, once the stream has been read.
func (c *check) sum() *tally {
	c.ledger.mu.Lock()
	defer c.ledger.mu.Unlock()
	sum := c.tally
	for _, e := range c.ledger.events {
		if c.due(e) && e.seen == 0 {
			sum.Lost++
			if sum.Lost <= 3 {
				sum.violate("lost: %s on %s, accepted %s after the beginning", e.key, e.subject, time.Duration(e.answered).Round(time.Millisecond))
			}
		}
	}
	for _, p := range c.ledger.problems {
		sum.violate("%s", p)
	}
	sum.Rounds = 1
	return &sum
}
