package publisher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// window and windowBytes bound the messages of a line that are on their way and not acknowledged. It is also what an
// urgent event may find before it on the connection. A session begins with one message and doubles with every
// acknowledgement: a server that refuses a message may take those behind it, which then stand in the wrong order.
const (
	window      = 512
	windowBytes = 16 << 20
)

// ackWait is how long the stream may keep silent before the session is given up.
const ackWait = 10 * time.Second

// A line is one lane of the journal on its way to its stream.
type line struct {
	lane       journal.Lane
	stream     *stream
	published  prometheus.Counter
	duplicates prometheus.Counter

	mu    sync.Mutex
	next  uint64 // the first record that the stream is not known to hold
	floor uint64 // a stream sequence: if the stream holds a record from next on, it stands behind it

	offered     uint64          // the highest record ever sent: up to it the stream may hold what it did not acknowledge
	retrying    uint64          // the highest record that an earlier session may have sent
	acked       uint64          // the highest record that this process saw acknowledged
	ackedBefore uint64          // the same, of the process before, as far as it could remember
	last        uint64          // the stream sequence of this session's last acknowledgement
	aside       map[uint64]bool // records set aside that stand in the lane still: another server may take them
	held        bits            // records from next on that the stream was found to hold
	flight      []sent          // in the order of the journal, without gaps
	bytes       int             // of flight
	width       int             // how many may be in flight now

	records []journal.Record // read last
	ahead   []journal.Record // of these, what is not sent yet
	carrier carrier
	answers []ack
	heard   time.Time // when the stream last answered, or the first of the flight was sent
}

var (
	errSilent = errors.New("no acknowledgement from the stream")
	errLost   = errors.New("connection lost")
)

// publish sends records in order, a window at a time, until something goes wrong.
func (l *line) publish(ctx context.Context, nc *nats.Conn) error {
	acks, err := subscribe(nc)
	if err != nil {
		return err
	}
	silence := time.NewTimer(ackWait)
	defer silence.Stop()
	l.flight, l.bytes, l.width, l.ahead = nil, 0, 1, nil
	for at := l.position(); ; {
		if at, err = l.offer(ctx, nc, acks, at); err != nil {
			return err
		}
		landed, err := l.settle(acks)
		if err != nil {
			return err
		}
		if landed > 0 {
			continue
		}
		if err := l.wait(ctx, acks, silence); err != nil {
			return err
		}
	}
}

// offer sends what there is until the window is full, and gives the record to go on with.
func (l *line) offer(ctx context.Context, nc *nats.Conn, acks *acks, at uint64) (uint64, error) {
	for len(l.flight) < l.width && l.bytes < windowBytes {
		if len(l.ahead) == 0 {
			clear(l.records)
			var err error
			l.records, err = l.stream.config.Journal.Read(l.lane, at, window, l.records[:0])
			if err != nil {
				return at, err
			}
			if len(l.records) == 0 {
				break
			}
			l.ahead = l.records
		}
		s, err := l.send(nc, acks, &l.ahead[0])
		if err != nil {
			return at, err
		}
		if len(l.flight) == 0 {
			l.heard = time.Now()
		}
		l.flight = append(l.flight, s)
		l.bytes += s.bytes
		l.ahead = l.ahead[1:]
		at++
	}
	return at, ctx.Err()
}

func (l *line) send(nc *nats.Conn, acks *acks, r *journal.Record) (sent, error) {
	s := sent{seq: r.Seq, id: r.Message.ID, bytes: len(r.Message.Body), answered: true}
	m := l.carrier.load(l.stream.subject(r.Message.Subject), acks.subject(r.Seq), &r.Message)
	left, life := timeToLive(m.Header, r.Accepted, l.stream.config.Now())
	if l.held.has(r.Seq) || life > 0 && left <= 0 && r.Seq <= max(l.acked, l.ackedBefore) {
		return s, nil // the stream holds it, or held it for as long as it was to live
	}
	l.offered = max(l.offered, r.Seq)
	if r.Seq <= l.acked {
		l.stream.metrics.reoffered.Inc()
	}
	if life > 0 {
		m.Header.Set(schema.HeaderTTL, ttl(max(left, min(life, heldUpLife))))
	}
	err := nc.PublishMsg(m)
	if refusedForGood(err) {
		return s, l.setAside(r.Seq, err)
	}
	if err != nil {
		return s, fmt.Errorf("publish %s: %w", r.Message.Subject, err)
	}
	s.answered = false
	return s, nil
}

// wait returns when there may be something to do: answers, or room and new records.
func (l *line) wait(ctx context.Context, acks *acks, silence *time.Timer) error {
	wake := l.stream.config.Journal.Wake(l.lane)
	if len(l.flight) >= l.width || l.bytes >= windowBytes {
		wake = nil
	}
	var silent <-chan time.Time
	if len(l.flight) > 0 {
		silence.Reset(time.Until(l.heard.Add(ackWait)))
		silent = silence.C
	}
	select {
	case <-acks.wake:
		return nil
	case <-wake:
		return nil
	case <-acks.closed:
		return fmt.Errorf("stream %s: %w", l.stream.name, errLost)
	case <-silent:
		return fmt.Errorf("%w %s for %s", errSilent, l.stream.name, ackWait)
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *line) position() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.next
}

func (l *line) advance(seq, floor uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next = seq + 1
	if floor > 0 && seq > l.retrying {
		l.floor = floor
	}
}

// rewind goes back to the oldest record of the journal.
func (l *line) rewind(floor uint64) {
	first, _ := l.stream.config.Journal.Bounds(l.lane)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next, l.floor = first, floor
}

// begin prepares a session: what an earlier one may have sent has to be looked for in the stream.
func (l *line) begin(last uint64) {
	l.retrying, l.last = l.offered, last
	l.held.reset(l.position())
}

// uncertain reports whether the stream may hold records from next on.
func (l *line) uncertain() bool { return l.position() <= l.offered }
