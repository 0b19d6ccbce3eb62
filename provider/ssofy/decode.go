package ssofy

import (
	"encoding/json"
	"fmt"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Decode gives the one event of a verified request. SSOfy sends neither an ID nor a time: the hash of the signature is
// the ID, and Time stays zero. A body without what its action requires is unreadable.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) {
	s, err := readSignature(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := provider.ParseObject(r.Body)
	if err != nil {
		return nil, err
	}
	native, err := required(body, "", "action")
	if err != nil {
		return nil, err
	}
	payload := body.Get("payload")
	e := schema.Event{
		ID: s.hash, Native: native, Outcome: schema.Success, Semantics: schema.Notice,
		Payload: body.Raw(), Sensitive: []schema.Member{"**.password"},
	}
	if ip := payload.Get("ip").Text(); ip != "" {
		e.Client = &schema.Client{IP: ip}
	}
	if err := fill(&e, payload); err != nil {
		return nil, fmt.Errorf("%s: %w", e.Action, err)
	}
	return []schema.Event{e}, nil
}

// fill sets the action of e and the members that come with it.
func fill(e *schema.Event, payload provider.Value) error {
	switch e.Native {
	case "token_deleted":
		return tokenDeleted(e, payload)
	case "safety_reset":
		e.Action, e.Semantics, e.Outcome = "cache.reset", schema.Command, schema.Unknown
		e.Actor = &schema.Actor{Type: "system"}
		return nil
	case "otp_requested":
		return otpRequested(e, payload.Get("option"))
	case "user_created":
		return userCreated(e, payload.Get("user"))
	case "user_updated":
		return userUpdated(e, payload.Get("user"))
	case "password_reset":
		return passwordReset(e, payload)
	}
	e.Action = schema.Other(e.Native)
	e.Sensitive = append(e.Sensitive, "payload.**.token")
	return nil
}

// tokenDeleted keeps the token readable: it is deleted, and consumers find cache keys by it.
func tokenDeleted(e *schema.Event, payload provider.Value) error {
	e.Action = "token.revoked"
	if _, err := required(payload, "payload", "token"); err != nil {
		return err
	}
	e.Token = &schema.Token{Value: payload.Get("token").Raw(), Type: "access_token"}
	return nil
}

// otpRequested names no actor: whoever asked has not proved who they are.
func otpRequested(e *schema.Event, option provider.Value) error {
	e.Action, e.Semantics, e.Outcome = "otp.requested", schema.Command, schema.Unknown
	for _, name := range []string{"id", "type", "to", "user_id"} {
		if _, err := required(option, "payload.option", name); err != nil {
			return err
		}
	}
	for _, name := range []string{"hint", "action"} {
		if option.Get(name).Kind() != provider.KindText {
			return fmt.Errorf("payload.option.%s: not a text", name)
		}
	}
	text := func(name string) string { return option.Get(name).Text() }
	e.OTP = &schema.OTP{
		ID: text("id"), Channel: text("type"), To: text("to"), Hint: text("hint"), Purpose: text("action"),
	}
	e.User = &schema.User{ID: text("user_id")}
	return nil
}

func userCreated(e *schema.Event, user provider.Value) error {
	e.Action = "user.created"
	if user.Kind() != provider.KindObject {
		return errNoUser
	}
	e.User = readUser(user)
	e.Actor = &schema.Actor{Type: "user"}
	return nil
}

func userUpdated(e *schema.Event, user provider.Value) error {
	e.Action = "user.updated"
	if user.Kind() != provider.KindObject {
		return errNoUser
	}
	id, err := required(user, "payload.user", "id")
	if err != nil {
		return err
	}
	e.User = readUser(user)
	e.Changes = changes(user)
	e.Actor = &schema.Actor{Type: "user", ID: id}
	return nil
}

// passwordReset seals the token too: it is the temporary one of the recovery, and lives until the password is set.
func passwordReset(e *schema.Event, payload provider.Value) error {
	e.Action, e.Semantics, e.Outcome = "password.reset", schema.Command, schema.Unknown
	for _, name := range []string{"token", "password"} {
		if _, err := required(payload, "payload", name); err != nil {
			return err
		}
	}
	e.Token = &schema.Token{Value: payload.Get("token").Raw(), Type: "action"}
	e.User = &schema.User{Password: json.RawMessage(payload.Get("password").Raw())}
	e.Sensitive = append(e.Sensitive, "token.value", "payload.payload.token")
	return nil
}

// required is the text of a member that must be there and not be empty. where names the object for the error.
func required(object provider.Value, where, name string) (string, error) {
	text := object.Get(name).Text()
	if text == "" {
		if where != "" {
			name = where + "." + name
		}
		return "", fmt.Errorf("%s: not a non-empty text", name)
	}
	return text, nil
}
