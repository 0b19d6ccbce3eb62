package scalekit

import (
	"errors"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. Its ID is webhook-id, which stays when Scalekit repeats or somebody
// resends; the evt_ ID of the body is in the payload. Of a repeated member the last one counts.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	id, attempt, err := p.webhooks.Attempt(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := provider.ParseObject(r.Body)
	if err != nil {
		return nil, err
	}
	native := body.Get("type").Text()
	if native == "" {
		return nil, errors.New("type: not a non-empty text")
	}
	a := action(native)
	e := schema.Event{
		ID: provider.EventID(id, nil), Action: a, Native: native, Time: eventTime(body, attempt), Outcome: outcome(a),
		Semantics: schema.Notice, Payload: body.Raw(), Sensitive: sensitive(native, a),
	}
	fill(&e, body)
	return []schema.Event{e}, nil
}

// eventTime is occurred_at; timestamp and created stand in other shapes that Scalekit published. Without any of them it
// is the time of the attempt, the nearest there is.
func eventTime(body provider.Value, attempt time.Time) time.Time {
	for _, name := range []string{"occurred_at", "timestamp", "created"} {
		if t, ok := provider.ParseTime(body.Get(name).Text()); ok && written(t) {
			return t
		}
	}
	return attempt
}

// written reports whether t is a time that somebody set: an unset one of Protocol Buffers or Go is not.
func written(t time.Time) bool {
	return !t.IsZero() && t.Unix() != 0 && t.Year() >= 1
}
