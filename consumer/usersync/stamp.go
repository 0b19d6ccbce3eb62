package usersync

import (
	"fmt"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// A stamp orders events: by the time they happened, then by when forebay received them, then by their place in the
// stream. Stamps compare as text. "2026-03-01T12:00:00.000000000Z 2026-03-01T12:00:00.031Z 00000000000000000042"
type stamp string

const (
	stampTime     = "2006-01-02T15:04:05.000000000Z"
	stampReceived = "2006-01-02T15:04:05.000Z"
)

// stampOf gives an event's place. A copy that was redriven or replayed has the place of its original. No event happens
// after it was received: a provider's fast clock would otherwise outlast every later change.
func stampOf(m *consumer.Message) stamp {
	seq := m.Seq
	if m.ReplayOf > 0 {
		seq = m.ReplayOf
	}
	return stamp(fmt.Sprintf("%s %s %020d",
		happened(m).Format(stampTime), m.Event.Received.UTC().Format(stampReceived), seq))
}

// happened is the time of an event: of the provider's time and ours the earlier.
func happened(m *consumer.Message) time.Time {
	if m.Event.Time.After(m.Event.Received) {
		return m.Event.Received.UTC()
	}
	return m.Event.Time.UTC()
}
