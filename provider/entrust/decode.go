package entrust

import (
	"errors"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. Of a repeated member the last one counts. What a page of Entrust
// shows of one event is read in every event that has it. A body without a type is unreadable.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	body, err := provider.ParseObject(r.Body)
	if err != nil {
		return nil, err
	}
	native := body.Get("type").Text()
	if native == "" {
		return nil, errors.New("type: not a non-empty text")
	}
	e := schema.Event{
		ID: provider.EventID(body.Get("id").Text(), r.Body), Action: action(native), Native: native, Time: eventTime(body),
		Outcome: outcome(native), Semantics: schema.Notice, Payload: body.Raw(),
	}
	if e.Action.Category() == schema.CategoryOther { // nobody has looked at what it holds
		e.Sensitive = []schema.Member{"**.password", "payload.**.token"}
	}
	if id := body.Get("accountId").Text(); id != "" {
		e.Organization = &schema.Thing{ID: id}
	}
	details{body.Get("data")}.fill(&e)
	return []schema.Event{e}, nil
}

// action maps a native action.
func action(native string) schema.Action {
	switch native {
	case "authentication.succeeded":
		return "login.succeeded"
	case "authentication.failed":
		return "login.failed"
	case "user.registration.completed":
		return "registration.completed"
	case "password.updated":
		return "password.changed"
	case "kba.question.created", "grid.created", "face.biometric.created":
		return "credential.created"
	case "grid.email.sent", "grid.password.email.sent":
		return "message.sent"
	case "magiclink.email.sent":
		return "magiclink.sent"
	case "user.created", "user.updated", "user.deleted", "passkey.created", "passkey.updated", "passkey.deleted":
		return schema.Action(native)
	}
	return schema.Other(native)
}

func outcome(native string) schema.Outcome {
	if native == "authentication.failed" {
		return schema.Failure
	}
	return schema.Success
}

// eventTime is eventTime, ISO 8601; without an offset it is UTC. Zero: it is not there or not readable.
func eventTime(body provider.Value) time.Time {
	text := body.Get("eventTime").Text()
	for _, text := range []string{text, text + "Z"} {
		if t, ok := provider.ParseTime(text); ok {
			return t
		}
	}
	return time.Time{}
}
