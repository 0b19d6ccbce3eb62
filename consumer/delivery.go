package consumer

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/schema"
)

// A delivery is a message that the server handed over and that waits for our answer.
type delivery struct {
	c *Consumer
	key
	life life
	span trace.Span // of the attempt under way; nil: it is not traced

	asked time.Duration // the delay that the handler asked for, once its attempt is over

	// The server hands a message over again when it heard nothing for too long. The later delivery then takes the place
	// of the earlier, so what follows may change while an attempt is under way.
	mu       sync.Mutex
	msg      jetstream.Msg
	attempt  int
	consumed uint64    // number of this hand-over among all of the durable
	alive    time.Time // when the server last heard of it
}

// receive makes a delivery of what the server sent.
func (c *Consumer) receive(msg jetstream.Msg) (*delivery, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return nil, err
	}
	return &delivery{
		c: c, key: key{meta.Sequence.Stream, meta.Timestamp.UnixNano()}, msg: msg, attempt: int(meta.NumDelivered), //nolint:gosec // far below
		life: lifeOf(msg.Headers(), meta.Timestamp), consumed: meta.Sequence.Consumer, alive: time.Now(),
	}, nil
}

// renew puts a later delivery of the same message in the place of this one.
func (d *delivery) renew(later *delivery) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.msg, d.attempt, d.consumed, d.alive = later.msg, later.attempt, later.consumed, later.alive
}

func (d *delivery) now() (msg jetstream.Msg, attempt int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.msg, d.attempt
}

// read makes of it what a handler gets.
func (d *delivery) read() (*Message, error) {
	msg, attempt := d.now()
	event, err := schema.Parse(msg.Subject(), msg.Headers(), msg.Data())
	if err != nil {
		return nil, err
	}
	return &Message{
		Event: event, Subject: msg.Subject(), Header: msg.Headers(), Body: msg.Data(),
		Seq: d.seq, Stored: time.Unix(0, d.stored), Attempt: attempt, MaxAttempts: d.c.config.MaxAttempts,
		ReplayOf:    number(msg.Headers().Get(HeaderReplayOf)),
		Traceparent: d.traceparent(msg.Headers().Get(schema.HeaderTraceparent)),
	}, nil
}

// last reports whether the server will not hand it over again.
func (d *delivery) last() bool {
	_, attempt := d.now()
	return attempt >= d.c.config.MaxAttempts
}

// ack tells the server that the event is done with.
func (d *delivery) ack() (again bool) { return d.conclude(answer{verdict: acked}, nil) }

// bury ends the attempts: the server tells the reason to whoever keeps dead letters.
func (d *delivery) bury(v verdict, because error) (again bool) {
	return d.conclude(answer{v, reason(v, because)}, because)
}

// conclude gives an answer that ends the attempts. Should it get lost, it is given again when the server asks again. It does
// not do so after the last attempt: what is done with would become a dead letter.
func (d *delivery) conclude(a answer, because error) (again bool) {
	d.c.tray.conclude(d, a)
	d.c.note(d, a.verdict, because)
	if a.verdict == acked && d.last() {
		d.sent(d.confirm())
	} else {
		d.sent(d.send(a))
	}
	return false
}

// send gives the server an answer that ends the attempts.
func (d *delivery) send(a answer) error {
	msg, _ := d.now()
	if a.verdict == acked {
		return msg.Ack()
	}
	return msg.TermWithReason(a.reason)
}

const (
	confirmTries = 5 // of an answer that a server which is there does not confirm
	confirmPause = 100 * time.Millisecond
)

// confirm acknowledges until the server says that it heard. While the server is away it goes on until the hard stop.
func (d *delivery) confirm() error {
	msg, _ := d.now()
	for tries := 0; ; wait(d.c.work, confirmPause) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(d.c.work), patience/2)
		err := msg.DoubleAck(ctx)
		cancel()
		if d.c.js.Conn().IsConnected() {
			tries++
		}
		if err == nil || tries == confirmTries || d.c.work.Err() != nil {
			return err
		}
	}
}

// leave says nothing: the server hands the event over again when the step of the schedule is over. A bare nak would
// bring it back at once.
func (d *delivery) leave(because error) (again bool) {
	d.c.tray.remove(d)
	d.c.note(d, retried, because)
	return true
}

// postpone makes the server hand the event over again after delay. The server adds to the delay of a nak what the step of
// this attempt is longer than the first, so that is taken off; the result may be negative, which the server takes well.
func (d *delivery) postpone(delay time.Duration, because error) (again bool) {
	d.c.tray.remove(d)
	d.c.note(d, postponed, because)
	d.asked = delay
	msg, attempt := d.now()
	delay -= d.c.step(attempt) - d.c.step(1)
	d.sent(d.c.js.Conn().Publish(msg.Reply(), fmt.Appendf(nil, "-NAK {\"delay\": %d}", delay.Nanoseconds())))
	return true
}

// sent notes an answer that did not get out. It is none: the server asks again.
func (d *delivery) sent(err error) {
	if err != nil {
		d.c.log.Warn("answer an attempt", "seq", d.seq, "err", err)
	}
}

// shortStep is the length of a step below which a busy machine may well miss a sign of life or two.
const shortStep = time.Second

// silence is how long the server may hear nothing of an attempt before it is told. Each sign of life is a write of the
// server, so long steps have two in a step, and only short ones four.
func silence(step time.Duration) time.Duration {
	if step < shortStep {
		return step / 4
	}
	return step / 2
}

// beat tells the server that the message is still being worked on, if it has not heard so for long.
func (d *delivery) beat(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.alive) < silence(d.c.step(d.attempt)) {
		return
	}
	if d.msg.InProgress() == nil {
		d.alive = now
	}
}

// user is whose event it is: no two sources share one. Empty: nobody's.
func (d *delivery) user() string { return userOf(d.msg.Headers()) }

func userOf(header map[string][]string) string {
	source, user := header[schema.HeaderSource], header[schema.HeaderSubject]
	if len(source) != 1 || len(user) != 1 || user[0] == "" {
		return ""
	}
	return source[0] + " " + user[0]
}

// step is how long the server waits after an attempt.
func (c *Consumer) step(attempt int) time.Duration {
	return c.config.Retry[min(max(attempt, 1), len(c.config.Retry), c.config.MaxAttempts)-1]
}

const maxReason = 512 // of a reason, in bytes

// reason is the text that a dead letter keeps: one line.
func reason(v verdict, err error) string {
	var text string
	switch v {
	case expired:
		text = "expired"
	case exhausted:
		text = reasonExhausted + ": " + err.Error()
	default:
		text = v.String() + ": " + err.Error()
	}
	return oneLine(text)
}

// oneLine makes text fit for a header and for one line: no control characters, and not endless.
func oneLine(text string) string {
	if len(text) > maxReason {
		text = text[:maxReason]
	}
	text = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.TrimSpace(text)
}

func number(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
