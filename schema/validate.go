package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// MaxID bounds an event's ID in bytes: it is the key of dedupe and a header, which the server keeps in memory.
const MaxID = 512

// Validate reports whether an event can go on the wire. The error names the member and never its value. An empty
// Outcome or Semantics and a zero Time pass: [Wire.Encode] knows what they mean.
func (e *Event) Validate() error {
	if err := e.validateHead(); err != nil {
		return err
	}
	if err := e.validateWords(); err != nil {
		return err
	}
	if err := e.validateSecrets(); err != nil {
		return err
	}
	if err := checkJSON(e.Payload); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

func (e *Event) validateHead() error {
	switch {
	case e.ID == "":
		return errors.New("id: missing")
	case len(e.ID) > MaxID:
		return errors.New("id: longer than 512 bytes")
	case !utf8.ValidString(e.ID):
		return fmt.Errorf("id: %w", errUTF8)
	case !e.Action.Valid():
		return errAction
	case !ValidSource(e.Source):
		return errSource
	case e.Received.IsZero():
		return errors.New("received: missing")
	case !inRange(e.Received):
		return errors.New("received: not in the years 0 to 9999")
	case !inRange(e.Time):
		return errors.New("time: not in the years 0 to 9999")
	}
	return nil
}

// inRange reports whether RFC 3339 can write t.
func inRange(t time.Time) bool {
	year := t.UTC().Year()
	return 0 <= year && year <= 9999
}

func (e *Event) validateWords() error {
	switch e.Outcome {
	case "", Success, Failure, Unknown:
	default:
		return errors.New("outcome: not success, failure or unknown")
	}
	switch e.Semantics {
	case "", Notice, Command:
	default:
		return errors.New("semantics: not notice or command")
	}
	if e.Actor == nil {
		return nil
	}
	switch e.Actor.Type {
	case "user", "admin", "application", "policy", "system":
		return nil
	}
	return errors.New("actor.type: not user, admin, application, policy or system")
}

// validateSecrets checks the members of the common part that hold JSON of a provider's making.
func (e *Event) validateSecrets() error {
	if e.User != nil {
		if err := e.User.validate("user"); err != nil {
			return err
		}
	}
	for i := range e.Members {
		if err := e.Members[i].validate("members"); err != nil {
			return err
		}
	}
	if e.Token != nil {
		if err := checkSealable("token.value", e.Token.Value); err != nil {
			return err
		}
	}
	for i := range e.Tokens {
		if err := checkSealable("tokens.value", e.Tokens[i].Value); err != nil {
			return err
		}
	}
	return nil
}

func (u *User) validate(member string) error {
	if err := checkSealable(member+".password", u.Password); err != nil {
		return err
	}
	for _, claim := range u.Custom {
		if err := checkJSON(claim); err != nil {
			return fmt.Errorf("%s.custom: %w", member, err)
		}
	}
	return nil
}

// checkSealable reports whether value is absent, a string or sealed.
func checkSealable(member string, value json.RawMessage) error {
	if len(value) == 0 {
		return nil
	}
	if err := checkJSON(value); err != nil {
		return fmt.Errorf("%s: %w", member, err)
	}
	var text *string
	if json.Unmarshal(value, &text) == nil && text != nil {
		return nil
	}
	if _, ok := Sealed(value); !ok {
		return fmt.Errorf(`%s: not a string or {"sealed": string}`, member)
	}
	return nil
}
