package main

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// A stored message is an event as the stream has it, and what tail and show print for programs.
type stored struct {
	Seq     uint64            `json:"seq"`
	Subject string            `json:"subject"`
	Stored  time.Time         `json:"stored"` // when the stream took it
	Headers map[string]string `json:"headers"`
	Event   json.RawMessage   `json:"event,omitempty"`
	Data    []byte            `json:"data,omitempty"` // base64: what is no JSON and so none of ours
}

// directHeaders are the server's own, beside those of a message that is read by its sequence.
// https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-31.md
var directHeaders = []string{"Nats-Stream", "Nats-Subject", "Nats-Sequence", "Nats-Time-Stamp"}

func storedOf(seq uint64, subject string, at time.Time, header nats.Header, data []byte) stored {
	s := stored{Seq: seq, Subject: subject, Stored: at.UTC(), Headers: map[string]string{}}
	for name, values := range header {
		if !slices.Contains(directHeaders, name) {
			s.Headers[name] = strings.Join(values, ", ")
		}
	}
	if json.Valid(data) {
		s.Event = data
	} else {
		s.Data = data
	}
	return s
}

func storedMsg(m jetstream.Msg) (stored, error) {
	meta, err := m.Metadata()
	if err != nil {
		return stored{}, err
	}
	return storedOf(meta.Sequence.Stream, m.Subject(), meta.Timestamp, m.Headers(), m.Data()), nil
}

// id is "<source>/<event id>", or nothing where the message is none of ours.
func (s stored) id() string { return messageID(s.Headers[schema.HeaderMsgID]) }

func messageID(header string) string {
	id, err := schema.UnescapeHeader(header)
	if err != nil {
		return ""
	}
	return id
}

// parse reads the event. False: it is none.
func (s stored) parse() (schema.Event, bool) {
	header := make(map[string][]string, len(s.Headers))
	for name, value := range s.Headers {
		header[name] = []string{value}
	}
	e, err := schema.Parse(s.Subject, header, s.Event)
	return e, err == nil
}
