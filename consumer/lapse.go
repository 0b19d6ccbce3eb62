package consumer

import (
	"errors"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// A message with a Nats-TTL lapses: the server removes it when that is over, and what was not decided by then cannot
// become a dead letter worth its name. The event is gone from it. Of a message that was removed before it was handed
// over the server says nothing at all, and next to nothing of one whose attempt was due in the same instant, or that was
// removed while the server was down. So an event is decided while its message is still there.

// lapseMargin is how long before a message lapses its attempts have ended: for the answer to reach the server, and for
// the event to be copied.
const lapseMargin = 15 * time.Second

var errLapsing = errors.New("the next attempt would come after the lifetime of the action")

// A life says how long the server keeps a message. The zero value is that of one that stays.
type life struct {
	length time.Duration // its Nats-TTL
	end    time.Time
}

// lifeOf reads the Nats-TTL of a message. "never", and what cannot be read, is no end.
func lifeOf(header map[string][]string, stored time.Time) life {
	text := header[schema.HeaderTTL]
	if len(text) != 1 {
		return life{}
	}
	length, err := lifetime(text[0])
	if err != nil || length <= 0 {
		return life{}
	}
	return life{length, stored.Add(length)}
}

// lifetime reads a Nats-TTL: a duration, or a number of seconds.
func lifetime(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err == nil {
		return d, nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	return time.Duration(seconds) * time.Second, err
}

// lapses reports whether an attempt at the time could be too long for the message: attempts take as long as timeout. At
// least half of a life is for attempts.
func (l life) lapses(at time.Time, timeout time.Duration) bool {
	return l.length > 0 && at.After(l.end.Add(-min(timeout+lapseMargin, l.length/2)))
}

// bound is how long an attempt may take that begins now: no longer than the message is there to be answered.
func (l life) bound(now time.Time, timeout time.Duration) time.Duration {
	if l.length == 0 {
		return timeout
	}
	return min(timeout, l.end.Add(-min(lapseMargin, l.length/4)).Sub(now))
}

// lapsed reports whether the event must be decided now. later: it could be handed over again only then.
func (d *delivery) lapsed(later time.Duration) bool {
	c := d.c.config
	return d.life.lapses(c.Now().Add(later), c.Timeout)
}

// pause is how long the server waits until the next attempt. asked: as the handler said, not by the schedule.
func (d *delivery) pause(because error) (pause time.Duration, asked bool) {
	if later := (afterError{}); errors.As(because, &later) {
		return later.delay, true
	}
	_, attempt := d.now()
	return d.c.step(attempt), false
}
