package asgardeo

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. The body has the shape of a security event token, but is none: it is
// plain JSON, and its iat is in milliseconds. Of a repeated member the last one counts.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	text := p.text(r)
	body, err := provider.ParseObject(text)
	if err != nil {
		return nil, err
	}
	data, err := occurrence(body.Get("events"))
	if err != nil {
		return nil, err
	}
	e := schema.Event{
		ID: eventID(body, text), Native: nativeAction(string(data.Name())), Time: eventTime(body.Get("iat")),
		Outcome: schema.Success, Semantics: schema.Notice, Payload: body.Raw(), Sensitive: secretClaims(body),
	}
	e.Action = p.action(e.Native, data)
	switch {
	case e.Action == "login.failed", e.Action == "registration.failed":
		e.Outcome = schema.Failure
	case e.Action.Category() == schema.CategoryOther:
		e.Sensitive = append(e.Sensitive, "**.password", "payload.**.token")
	}
	fillShared(&e, data)
	fillOwn(&e, data)
	fillProfile(&e, body.Get("sub_id"), data)
	return []schema.Event{e}, nil
}

// occurrence is the first member of events that is an object: its name is the event's URI. The sender puts in one.
func occurrence(events provider.Value) (provider.Value, error) {
	for _, m := range events.Members() {
		if m.Kind() == provider.KindObject && len(m.Name()) > 0 {
			return m, nil
		}
	}
	return provider.Value{}, errors.New("events: no object with a member that has a name and is an object")
}

// nativeAction is the name in an event URI, /events/<channel>/event-type/<name>, and any other URI as it is. The channel
// tells nothing more: early drafts spelt some otherwise.
func nativeAction(uri string) string {
	const mark = "/event-type/"
	before, name, ok := strings.Cut(uri, mark)
	channel := before[strings.LastIndexByte(before, '/')+1:]
	if !ok || channel == "" || name == "" || strings.Contains(name, "/") {
		return uri
	}
	if !strings.HasSuffix(before, "/events/"+channel) {
		return uri
	}
	return name
}

// eventID is jti, one per occurrence. Where there is none it is the SHA-256 of the body.
func eventID(body provider.Value, text []byte) string {
	if id := body.Get("jti").Text(); id != "" {
		return id
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// eventTime reads iat: milliseconds, though RFC 8417 says seconds; a number up to 10¹¹ is read as seconds. Zero: there
// is no readable one.
func eventTime(iat provider.Value) time.Time {
	const (
		maxSeconds = 1e11
		year10000  = 253402300800 // in seconds: RFC 3339 ends before it
	)
	if iat.Kind() != provider.KindNumber {
		return time.Time{}
	}
	ms, err := strconv.ParseFloat(string(iat.Raw()), 64)
	if ms <= maxSeconds {
		ms *= 1000
	}
	if err != nil || ms <= 0 || ms >= year10000*1000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(ms))).UTC()
}
