package asgardeo

import (
	"errors"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. The body has the shape of a security event token, but is none: it is
// plain JSON, and its iat is in milliseconds, though RFC 8417 says seconds. Of a repeated member the last one counts.
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
		ID: provider.EventID(body.Get("jti").Text(), text), Native: nativeAction(string(data.Name())), Time: body.Get("iat").UnixTime(),
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
		if m.Kind() == provider.KindObject {
			return m, nil
		}
	}
	return provider.Value{}, errors.New("events: no object with a member that is an object")
}

// nativeAction is the name in an event URI of the product, and any other URI as it is.
func nativeAction(uri string) string {
	if name, ok := provider.WSO2Event(uri); ok {
		return name
	}
	return uri
}
