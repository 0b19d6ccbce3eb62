package publisher

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/publisher/journal"
)

// window and windowBytes bound the messages of a line that are on their way and not acknowledged. It is also what an
// urgent event may find before it on the connection. A session begins with one message and doubles with every
// acknowledgement: a server that refuses a message may take those behind it, which then stand in the wrong order.
const (
	window      = 1024
	windowBytes = 16 << 20
)

// ackWait is how long the stream may keep silent before the session is given up.
const ackWait = 10 * time.Second

// A line is one lane of the journal on its way to its stream.
type line struct {
	lane   journal.Lane
	stream *stream

	mu    sync.Mutex
	next  uint64 // the first record that the stream is not known to hold
	floor uint64 // a stream sequence: if the stream holds a record from next on, it stands behind it

	offered     uint64 // the highest record ever sent: up to it the stream may hold what it did not acknowledge
	retrying    uint64 // the highest record that an earlier session may have sent
	acked       uint64 // the highest record that this process saw acknowledged
	ackedBefore uint64 // the same, of the process before, as far as it could remember
	last        uint64 // the stream sequence of this session's last acknowledgement
	held        bits   // records from next on that the stream was found to hold
	flight      []sent // in the order of the journal
	bytes       int    // of flight
	width       int    // how many may be in flight now
	records     []journal.Record
	heard       time.Time // when the stream last answered, or the first of the flight was sent
}

// A sent is a record on its way. Its future is nil where nothing had to be sent.
type sent struct {
	seq    uint64
	id     string
	bytes  int
	future jetstream.PubAckFuture
}

var (
	errSilent   = errors.New("no acknowledgement from the stream")
	errWentBack = errors.New("stream went back behind what it had acknowledged")
)

// publish sends records in order, a window at a time, until something goes wrong.
func (l *line) publish(ctx context.Context, js jetstream.JetStream) error {
	l.flight, l.bytes, l.width = nil, 0, 1
	at := l.position()
	for {
		var err error
		if at, err = l.offer(ctx, js, at); err != nil {
			return err
		}
		if err := l.await(ctx); err != nil {
			return err
		}
	}
}

// offer sends what there is until the window is full, and gives the record to go on with.
func (l *line) offer(ctx context.Context, js jetstream.JetStream, at uint64) (uint64, error) {
	for len(l.flight) < l.width && l.bytes < windowBytes {
		var err error
		l.records, err = l.stream.config.Journal.Read(l.lane, at, l.width-len(l.flight), l.records[:0])
		if err != nil {
			return at, err
		}
		if len(l.records) == 0 {
			break
		}
		for i := range l.records {
			s, err := l.send(js, &l.records[i])
			if err != nil {
				return at, err
			}
			if len(l.flight) == 0 {
				l.heard = time.Now()
			}
			l.flight = append(l.flight, s)
			l.bytes += s.bytes
			at++
		}
	}
	clear(l.records)
	return at, ctx.Err()
}

func (l *line) send(js jetstream.JetStream, r *journal.Record) (sent, error) {
	s := sent{seq: r.Seq, id: r.Message.ID, bytes: len(r.Message.Body)}
	left, mortal := timeToLive(r, l.stream.config.Now())
	if l.held.has(r.Seq) || mortal && left <= 0 && r.Seq <= max(l.acked, l.ackedBefore) {
		return s, nil // the stream holds it, or held it for as long as it was to live
	}
	l.offered = max(l.offered, r.Seq)
	if r.Seq <= l.acked {
		l.stream.metrics.reoffered.Inc()
	}
	m := &nats.Msg{Subject: l.stream.subject(r.Message.Subject), Header: r.Message.Header, Data: r.Message.Body}
	if mortal {
		m.Header = withTTL(m.Header, left)
	}
	future, err := js.PublishMsgAsync(m, inOrder...)
	if refusedForGood(err) {
		return s, l.setAside(r.Seq, err)
	}
	if err != nil {
		return s, fmt.Errorf("publish %s: %w", r.Message.Subject, err)
	}
	s.future = future
	return s, nil
}

// await settles every record at the front that is acknowledged. If there is none it waits for one, or for new records.
func (l *line) await(ctx context.Context) error {
	settled := 0
	for settled < len(l.flight) {
		done, err := l.settle(l.flight[settled])
		if err != nil {
			return err
		}
		if !done {
			break
		}
		settled++
	}
	if settled > 0 {
		l.landed(settled)
		return nil
	}
	return l.wait(ctx)
}

// landed takes the first n off the flight, and lets more follow.
func (l *line) landed(n int) {
	for _, s := range l.flight[:n] {
		l.bytes -= s.bytes
	}
	l.flight = l.flight[n:]
	l.width = min(window, 2*l.width)
	l.heard = time.Now()
}

func (l *line) wait(ctx context.Context) error {
	wake := l.stream.config.Journal.Wake(l.lane)
	if len(l.flight) == 0 {
		select {
		case <-wake:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if len(l.flight) >= l.width || l.bytes >= windowBytes {
		wake = nil
	}
	oldest := l.flight[0]
	silence := time.NewTimer(time.Until(l.heard.Add(ackWait)))
	defer silence.Stop()
	select {
	case ack := <-oldest.future.Ok():
		l.landed(1)
		return l.acknowledged(oldest, ack)
	case err := <-oldest.future.Err():
		l.landed(1)
		return l.refused(oldest, err)
	case <-wake:
		return nil
	case <-silence.C:
		return fmt.Errorf("%w %s for %s", errSilent, l.stream.name, ackWait)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// settle takes the answer for one record, if it is there.
func (l *line) settle(s sent) (done bool, err error) {
	if s.future == nil {
		l.advance(s.seq, 0)
		return true, nil
	}
	select {
	case ack := <-s.future.Ok():
		return true, l.acknowledged(s, ack)
	case err := <-s.future.Err():
		return true, l.refused(s, err)
	default:
		return false, nil
	}
}

func (l *line) acknowledged(s sent, ack *jetstream.PubAck) error {
	if ack.Stream != l.stream.name {
		return fmt.Errorf("stream %s took what belongs to %s: mend its subjects", ack.Stream, l.stream.name)
	}
	if !ack.Duplicate {
		if ack.Sequence <= l.last {
			return fmt.Errorf("stream %s at %d: %w", l.stream.name, ack.Sequence, errWentBack)
		}
		l.last = ack.Sequence
	}
	l.stream.answers.Add(1)
	l.stream.saw(ack.Sequence, s.id)
	l.acked = max(l.acked, s.seq)
	l.stream.metrics.acknowledged(l.lane, ack.Duplicate)
	l.advance(s.seq, ack.Sequence)
	return nil
}

// refused sets a record aside that the stream will never take, so that it does not block those behind it.
func (l *line) refused(s sent, err error) error {
	if refusedForGood(err) {
		if err := l.setAside(s.seq, err); err != nil {
			return err
		}
		l.advance(s.seq, 0)
		return nil
	}
	return fmt.Errorf("publish to stream %s: %w", l.stream.name, err)
}

func (l *line) setAside(seq uint64, reason error) error {
	l.stream.metrics.aside.Inc()
	l.stream.config.Log.Error("event set aside: the stream will not take it", "err", reason)
	return l.stream.config.Journal.SetAside(l.lane, seq)
}

// inOrder publishes without repetition behind our back, which would change the order.
var inOrder = []jetstream.PublishOpt{jetstream.WithRetryAttempts(0)}

// refusedForGood tells a refusal that no repetition will mend.
func refusedForGood(err error) bool {
	if err == nil {
		return false
	}
	var api *jetstream.APIError
	return errors.Is(err, nats.ErrMaxPayload) ||
		errors.As(err, &api) && api.ErrorCode == codeMessageTooLarge
}

// codeMessageTooLarge is nats-server's JSStreamMessageExceedsMaximumErr.
const codeMessageTooLarge jetstream.ErrorCode = 10054

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
