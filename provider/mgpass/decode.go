package mgpass

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request, identity or rewards. Of a repeated member the last one counts.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	body, err := provider.ParseObject(r.Body)
	if err != nil {
		return nil, err
	}
	native, rewards := nativeAction(body)
	if native == "" {
		return nil, errors.New("type, event_type: neither is a non-empty text")
	}
	e := schema.Event{
		ID: provider.EventID(ownID(body, rewards), r.Body), Action: action(native), Native: native, Time: eventTime(body),
		Outcome: outcome(native), Semantics: schema.Notice, Payload: body.Raw(),
	}
	if e.Action.Category() == "other" {
		e.Sensitive = []schema.Member{"**.password", "payload.**.token"}
	}
	data := body.Get("data")
	if rewards {
		fillRewards(&e, data)
	} else {
		fillIdentity(&e, data)
	}
	return []schema.Event{e}, nil
}

// nativeAction is type in the identity envelope and event_type in that of rewards. type wins where both are there.
func nativeAction(body provider.Value) (native string, rewards bool) {
	if native = body.Get("type").Text(); native != "" {
		return native, false
	}
	return body.Get("event_type").Text(), true
}

// action maps a native action. The rewards events have no action of their own.
func action(native string) schema.Action {
	switch native {
	case "user.login.success":
		return "login.succeeded"
	case "user.login.failed":
		return "login.failed"
	case "user.register":
		return "user.created"
	case "user.suspended":
		return "user.disabled"
	case "user.unsuspended":
		return "user.enabled"
	case "role.removed":
		return "role.unassigned"
	case "user.impersonated":
		return "impersonation.started"
	case "user.deleted", "session.created", "session.revoked", "token.issued", "token.refreshed", "role.assigned":
		return schema.Action(native)
	}
	return schema.Other(native)
}

func outcome(native string) schema.Outcome {
	if native == "user.login.failed" {
		return schema.Failure
	}
	return schema.Success
}

// ownID is id in the identity envelope; that of rewards has none.
func ownID(body provider.Value, rewards bool) string {
	if rewards {
		return ""
	}
	return body.Get("id").Text()
}

// eventTime is created_at, Unix seconds, or timestamp, ISO 8601. Zero: neither is there and readable.
func eventTime(body provider.Value) time.Time {
	const year10000 = 253402300800 // RFC 3339 ends before it
	if v := body.Get("created_at"); v.Kind() == provider.KindNumber {
		s, err := strconv.ParseFloat(string(v.Raw()), 64)
		if err == nil && s > 0 && s < year10000 {
			return time.UnixMilli(int64(s * 1000)).UTC()
		}
	}
	if t, ok := provider.ParseTime(body.Get("timestamp").Text()); ok {
		return t
	}
	return time.Time{}
}

// fillRewards knows nothing but the user: the rest of data is documented for one event only.
func fillRewards(e *schema.Event, data provider.Value) {
	if id := data.Get("user_id").Text(); id != "" {
		e.User = &schema.User{ID: id}
	}
}

// fillIdentity reads what mgPass documents of data, wherever it is there.
func fillIdentity(e *schema.Event, data provider.Value) {
	text := func(name string) string { return data.Get(name).Text() }
	user := schema.User{
		ID: text("user_id"), Email: data.Get("email").OptionalText(), Name: data.Get("display_name").OptionalText(),
	}
	if user.ID != "" || user.Email != nil || user.Name != nil {
		e.User = &user
	}
	if id := text("client_id"); id != "" {
		e.Application = &schema.Thing{ID: id}
	}
	if c := (schema.Client{IP: text("ip_address"), UserAgent: text("user_agent")}); c != (schema.Client{}) {
		e.Client = &c
	}
	if r := (schema.Thing{ID: text("role_id"), Name: text("role_name")}); r != (schema.Thing{}) {
		e.Role = &r
	}
	if m := text("method"); m != "" && authenticates(e.Native) {
		e.Credential = &schema.Credential{Type: strings.ToLower(m)}
	}
	e.Actor = actor(e.Native, user.ID, text("assigned_by"))
}

// authenticates reports whether method is how the user proved who they are.
func authenticates(native string) bool {
	return strings.HasPrefix(native, "user.login.") || native == "user.register"
}

// actor is who did it, as far as the kind of event tells or assigned_by says.
func actor(native, user, assignedBy string) *schema.Actor {
	switch native {
	case "user.login.success", "user.register":
		return &schema.Actor{Type: "user", ID: user}
	case "user.suspended", "user.unsuspended", "user.impersonated":
		return &schema.Actor{Type: "admin", ID: assignedBy}
	}
	if assignedBy != "" {
		return &schema.Actor{Type: "admin", ID: assignedBy}
	}
	return nil
}
