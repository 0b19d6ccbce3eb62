package consumer

import (
	"time"

	"github.com/forebayhq/forebay/schema"
)

// A Message is an event as one attempt gets it.
type Message struct {
	Event   schema.Event
	Subject string              // "identity.ssofy.otp.requested", or its copy for one consumer below "identity-redrive."
	Header  map[string][]string // CloudEvents attributes, values escaped as schema.EscapeHeader does
	Body    []byte              // the event's JSON as it lies in the stream, sealed members sealed

	Seq         uint64    // in the stream
	Stored      time.Time // when the stream took it
	Attempt     int       // 1 is the first
	MaxAttempts int       // there are no more
	ReplayOf    uint64    // the sequence of the event that this is a copy of, by redrive or replay; 0: it is none
	Traceparent string    // W3C trace context to pass on: of this attempt where it is traced, else of the delivery; empty: none
}

// The headers that redrive and replay add.
const (
	HeaderReplayOf = "Forebay-Replay-Of" // the stream sequence of the event
)
