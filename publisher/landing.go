package publisher

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A sent is a record on its way.
type sent struct {
	seq      uint64
	id       string
	bytes    int
	answered bool
	answer   ack // zero where nothing had to be sent
}

var errWentBack = errors.New("stream went back behind what it had acknowledged")

// settle takes the answers that have come, and lets every record at the front that has one land.
func (l *line) settle(acks *acks) (landed int, err error) {
	l.answers = acks.take(l.answers)
	for _, a := range l.answers {
		if i := l.aloft(a.record); i >= 0 && !l.flight[i].answered {
			l.flight[i].answered, l.flight[i].answer = true, a
		}
	}
	for landed < len(l.flight) && l.flight[landed].answered {
		s := &l.flight[landed]
		if err := l.land(s); err != nil {
			return landed, err
		}
		l.bytes -= s.bytes
		landed++
	}
	if landed > 0 {
		l.flight = l.flight[landed:]
		l.width = min(window, 2*l.width)
		l.heard = time.Now()
	}
	return landed, nil
}

// aloft is the place of a record in the flight, -1 if it has landed.
func (l *line) aloft(record uint64) int {
	if len(l.flight) == 0 || record < l.flight[0].seq || record > l.flight[len(l.flight)-1].seq {
		return -1
	}
	return int(record - l.flight[0].seq)
}

func (l *line) land(s *sent) error {
	switch {
	case s.answer.err != nil:
		return l.refused(s, s.answer.err)
	case s.answer.stream != "":
		return l.acknowledged(s)
	}
	l.advance(s.seq, 0) // nothing had to be sent
	return nil
}

func (l *line) acknowledged(s *sent) error {
	a := &s.answer
	if a.stream != l.stream.name {
		return fmt.Errorf("stream %s took what belongs to %s: mend its subjects", a.stream, l.stream.name)
	}
	if !a.duplicate {
		if a.seq <= l.last {
			return fmt.Errorf("stream %s at %d: %w", l.stream.name, a.seq, errWentBack)
		}
		l.last = a.seq
	}
	if l.aside[s.seq] {
		if err := l.stream.config.Journal.DropAside(l.lane, s.seq); err != nil {
			return err
		}
		delete(l.aside, s.seq)
	}
	l.stream.answers.Add(1)
	l.stream.saw(a.seq, s.id)
	l.acked = max(l.acked, s.seq)
	l.published.Inc()
	if a.duplicate {
		l.duplicates.Inc()
	}
	l.advance(s.seq, a.seq)
	return nil
}

// refused sets a record aside that the stream will never take, so that it does not block those behind it.
func (l *line) refused(s *sent, err error) error {
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
	j := l.stream.config.Journal
	first, _ := j.Bounds(l.lane)
	maps.DeleteFunc(l.aside, func(seq uint64, _ bool) bool { return seq < first })
	l.aside[seq] = true
	return j.SetAside(l.lane, seq)
}

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
