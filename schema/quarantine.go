package schema

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Delivery is one HTTP request that was verified but cannot be read.
type Delivery struct {
	Source   string
	Provider string
	Received time.Time
	Reason   string // why it cannot be read; holds nothing of what the request says
	Request  []byte // the request as HTTP/1.1 wire text
}

// A Quarantined is a delivery as the quarantine keeps it.
type Quarantined struct {
	ID string // "quarantine-<SHA-256 of the request, hex>"
	Delivery
	Sealed string // the compact JWE of the request, whose Request is then nil; empty: sealing was off
}

const (
	quarantinePrefix = "quarantine-"
	quarantineType   = "forebay.quarantined" // ce-type: a quarantined delivery is no event and has no action

	maxReason = 1024 // of a reason, in bytes
)

// A quarantineBody is the JSON of a quarantined delivery.
type quarantineBody struct {
	ID       string            `json:"id"`
	Source   string            `json:"source"`
	Provider string            `json:"provider"`
	Received time.Time         `json:"received"`
	Reason   string            `json:"reason"`
	Request  quarantineRequest `json:"request"`
}

// A quarantineRequest holds the request: sealed, or in base64 where sealing is off.
type quarantineRequest struct {
	Sealed string `json:"sealed,omitempty"`
	Base64 []byte `json:"base64,omitempty"`
}

// Quarantine builds the message that keeps a delivery for a person to look at: subject "<prefix>-quarantine.<source>",
// no action. The same request always has the same ID.
func (w Wire) Quarantine(d Delivery) (Message, error) {
	m, err := w.quarantine(d)
	if err != nil {
		return Message{}, fmt.Errorf("quarantine delivery: %w", err)
	}
	return m, nil
}

func (w Wire) quarantine(d Delivery) (Message, error) {
	switch {
	case !validPrefix(w.Prefix):
		return Message{}, errPrefix
	case !ValidSource(d.Source):
		return Message{}, errSource
	case d.Received.IsZero() || !inRange(d.Received):
		return Message{}, errors.New("received: missing, or not in the years 0 to 9999")
	}
	request, err := w.request(d.Request)
	if err != nil {
		return Message{}, err
	}
	sum := sha256.Sum256(d.Request)
	id := quarantinePrefix + hex.EncodeToString(sum[:])
	received := d.Received.UTC().Truncate(time.Millisecond)
	body, err := json.Marshal(quarantineBody{id, d.Source, d.Provider, received, cutReason(d.Reason), request})
	if err != nil {
		return Message{}, err
	}
	m := Message{
		ID:      d.Source + "/" + id,
		Source:  d.Source,
		Subject: w.Prefix + "-quarantine." + d.Source,
		Header:  quarantineHeader(id, d, received),
		Body:    body,
	}
	return m, w.fits(m)
}

func (w Wire) request(text []byte) (quarantineRequest, error) {
	if w.Seal == nil {
		return quarantineRequest{Base64: text}, nil
	}
	compact, err := w.Seal.Seal(text)
	return quarantineRequest{Sealed: compact}, err
}

func quarantineHeader(id string, d Delivery, received time.Time) Header {
	h := make([]byte, 0, 512)
	h = appendHeader(h, HeaderMsgID, d.Source, "/", id)
	h = appendHeader(h, HeaderSpecVersion, "1.0")
	h = appendHeader(h, HeaderID, id)
	h = appendHeader(h, HeaderType, quarantineType)
	h = appendHeaderTime(h, HeaderTime, received)
	h = appendHeader(h, HeaderSource, sourceURN, d.Source)
	h = appendHeader(h, HeaderDataContentType, "application/json")
	h = appendHeader(h, HeaderProvider, d.Provider)
	h = appendHeaderTime(h, HeaderReceivedTime, received)
	return Header(h)
}

// cutReason bounds a reason: it must not decide whether the message fits.
func cutReason(s string) string {
	if len(s) > maxReason {
		s = s[:maxReason]
	}
	return strings.ToValidUTF8(s, "")
}

// ParseQuarantine reads the body of a message that [Wire.Quarantine] built.
func ParseQuarantine(body []byte) (Quarantined, error) {
	var b quarantineBody
	if json.Unmarshal(body, &b) != nil {
		return Quarantined{}, errors.New("parse quarantined delivery: not one")
	}
	if !strings.HasPrefix(b.ID, quarantinePrefix) || !ValidSource(b.Source) || b.Received.IsZero() {
		return Quarantined{}, errors.New("parse quarantined delivery: id, source or received: missing")
	}
	return Quarantined{
		ID:       b.ID,
		Delivery: Delivery{b.Source, b.Provider, b.Received, b.Reason, b.Request.Base64},
		Sealed:   b.Request.Sealed,
	}, nil
}
