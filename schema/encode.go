package schema

import (
	"fmt"
	"time"
)

// A Wire puts events into their form on the wire: subject, headers and body, secrets sealed.
type Wire struct {
	Prefix    string                   // the first token of subjects: "identity"
	Lifetimes map[Action]time.Duration // how long the stream keeps a message of an action; none: as long as any
	Seal      *Sealer                  // nil: sealing is off, sensitive members stay in clear
	MaxBytes  int64                    // bound of a message's headers and body in bytes: the broker's max_payload; 0: none
}

// bodySlack is the room that the common part of an event takes beside its payload, in bytes; more costs one copy.
const bodySlack = 1024

// Encode validates an event, seals its sensitive members and builds its message. The error names the member that is
// wrong and never its value.
//
// An empty Semantics means notice, an empty Outcome what the action says, a zero Time the time it was received.
// traceparent is left out unless it is one by W3C Trace Context.
func (w Wire) Encode(e Event, traceparent string) (Message, error) {
	m, err := w.encode(&e, traceparent)
	if err != nil {
		return Message{}, fmt.Errorf("encode event: %w", err)
	}
	return m, nil
}

func (w Wire) encode(e *Event, traceparent string) (Message, error) {
	if err := e.Validate(); err != nil {
		return Message{}, err
	}
	e.complete()
	subject, err := Subject(w.Prefix, e.Source, e.Action)
	if err != nil {
		return Message{}, err
	}
	body, err := w.body(e)
	if err != nil {
		return Message{}, err
	}
	m := Message{
		ID:      e.Source + "/" + e.ID,
		Source:  e.Source,
		Action:  e.Action,
		Subject: subject,
		Header:  w.header(e, traceparent),
		Body:    body,
	}
	return m, w.fits(m)
}

// complete fills in what providers may leave out, and brings times to the form that the wire keeps.
func (e *Event) complete() {
	if e.Semantics == "" {
		e.Semantics = Notice
	}
	if e.Outcome == "" {
		e.Outcome = e.Action.outcome(e.Semantics)
	}
	e.Received = e.Received.UTC().Truncate(time.Millisecond)
	if e.Time.IsZero() {
		e.Time = e.Received
	}
	e.Time = e.Time.UTC()
}

func (w Wire) body(e *Event) ([]byte, error) {
	sensitive, err := e.sensitive()
	if err != nil {
		return nil, err
	}
	body := appendEvent(make([]byte, 0, len(e.Payload)+bodySlack), e)
	if w.Seal == nil || len(sensitive.names) == 0 {
		return body, nil
	}
	return w.sealBody(body, &sensitive)
}

func (w Wire) header(e *Event, traceparent string) Header {
	h := make([]byte, 0, 1024)
	h = appendHeader(h, HeaderMsgID, e.Source, "/", e.ID)
	h = appendHeader(h, HeaderSpecVersion, "1.0")
	h = appendHeader(h, HeaderID, e.ID)
	h = appendHeader(h, HeaderType, string(e.Action))
	h = appendHeaderTime(h, HeaderTime, e.Time)
	h = appendHeader(h, HeaderSource, sourceURN, e.Source)
	if e.User != nil {
		h = appendHeader(h, HeaderSubject, e.User.ID)
	}
	h = appendHeader(h, HeaderDataContentType, "application/json")
	h = appendHeader(h, HeaderDataSchema, SchemaID)
	h = appendHeader(h, HeaderProvider, e.Provider)
	h = appendHeader(h, HeaderNativeAction, e.Native)
	h = appendHeaderTime(h, HeaderReceivedTime, e.Received)
	h = appendHeader(h, HeaderOutcome, string(e.Outcome))
	if ValidTraceparent(traceparent) {
		h = appendHeader(h, HeaderTraceparent, traceparent)
	}
	if d := w.Lifetimes[e.Action]; d > 0 {
		// The server refuses a message that is to live for less than a second.
		h = appendHeader(h, HeaderTTL, max(d, time.Second).String())
	}
	return Header(h)
}

// fits reports whether the broker takes a message of this size.
func (w Wire) fits(m Message) error {
	header := m.Header.size()
	if header > maxHeader {
		return fmt.Errorf("headers of %d bytes: more than %d", header, maxHeader)
	}
	if size := int64(header + len(m.Body)); w.MaxBytes > 0 && size > w.MaxBytes {
		return fmt.Errorf("message of %d bytes: %w of %d", size, errTooLarge, w.MaxBytes)
	}
	return nil
}
