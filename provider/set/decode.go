package set

import (
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. A token that makes several statements about it is one event all the
// same: the others stay in the payload.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	text := compact(r.Body)
	token, err := provider.ParseToken(text)
	if err != nil {
		return nil, err
	}
	body, err := parseClaims(token)
	if err != nil {
		return nil, err
	}
	claims, err := readClaims(body)
	if err != nil {
		return nil, err
	}
	data := claims.statement()
	e := schema.Event{
		ID: provider.EventID(claims.id, nil), Native: string(data.Name()), Action: action(data), Time: claims.time(data),
		Semantics: schema.Notice, JWS: text, Payload: claims.Raw(), // the action says how it ended
		Sensitive: []schema.Member{"**.password"},
	}
	if e.Action.Category() == schema.CategoryOther {
		e.Sensitive = append(e.Sensitive, "payload.**.token")
	}
	fill(&e, claims.Value, data)
	return []schema.Event{e}, nil
}

// statement is the member of events that counts: the first whose action is urgent, else the first whose action is known,
// else the first.
func (c claimSet) statement() provider.Value {
	urgent := schema.Urgent()
	for _, counts := range []func(schema.Action) bool{
		func(a schema.Action) bool { return slices.Contains(urgent, a) },
		func(a schema.Action) bool { return a.Category() != schema.CategoryOther },
	} {
		i := slices.IndexFunc(c.events, func(e provider.Value) bool { return counts(action(e)) })
		if i >= 0 {
			return c.events[i]
		}
	}
	return c.events[0]
}

// action maps an event by its name, with the fields that decide. WSO2 names its events by URIs of its own.
func action(data provider.Value) schema.Action {
	native := string(data.Name())
	if a := provider.SignalAction(native, data); a != "" {
		return a
	}
	if name, ok := provider.WSO2Event(native); ok {
		if a := provider.WSO2Action(name, data); a != "" {
			return a
		}
	}
	return schema.Other(native)
}

// time is when it happened, else when it was told.
func (c claimSet) time(data provider.Value) time.Time {
	for _, v := range []provider.Value{c.Get("toe"), data.Get("event_timestamp"), c.Get("iat")} {
		if t := v.UnixTime(); !t.IsZero() {
			return t
		}
	}
	return time.Time{}
}

// isSSF reports whether an event is about the stream itself: its subject is the stream.
func isSSF(native string) bool { return strings.HasPrefix(native, provider.SignalBase+"ssf/") }
