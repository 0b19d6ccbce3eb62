package usersync

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A change is what one event says about one user.
type change struct {
	at           stamp
	user         identity
	registration bool   // a new account, which nothing that was known before can be
	token        []byte // SHA-256 of the temporary token that stands for the user; nil: the event names the user
	set          values
}

// values are members of a row by name: a column, or "custom.<claim>". null: removed.
type values map[string]json.RawMessage

// An effect is what an action does beside the claims that it brings.
type effect int

const (
	none     effect = iota // the action does not concern the table
	claims                 // nothing else
	create                 // it is there, even if it was deleted before
	remove                 // deleted
	disable                // switched off
	enable                 //
	lock                   // shut out
	unlock                 //
	password               // has another password, whether or not the event tells it
)

// effectOf reads an event's action. A failure has no effect.
func effectOf(e schema.Event) effect {
	if e.Outcome == schema.Failure {
		return none
	}
	switch e.Action {
	case "user.created", "scim.user_provisioned":
		return create
	case "user.updated", "scim.user_updated", "registration.completed", "identifier.changed", "identifier.verified":
		return claims
	case "user.deleted", "scim.user_deprovisioned":
		return remove
	case "user.disabled":
		return disable
	case "user.enabled":
		return enable
	case "user.locked":
		return lock
	case "user.unlocked":
		return unlock
	case "password.changed", "password.reset":
		return password
	}
	return none
}

// read gives what an event says, user by user; none where it does not concern the table.
func (j *job) read(m *consumer.Message) (changes []change, err error) {
	e := effectOf(m.Event)
	if e == none {
		return nil, nil
	}
	for _, user := range users(m.Event) {
		c, err := j.change(m, e, user)
		if errors.Is(err, errNotOurs) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m.Event.Action, err)
		}
		changes = append(changes, c)
	}
	return changes, nil
}

// users are those that an event is about: of a batch all, else the one.
func users(e schema.Event) []schema.User {
	if len(e.Members) > 0 && e.Action.Category() == "user" {
		return e.Members
	}
	if e.User == nil {
		return []schema.User{{}}
	}
	return []schema.User{*e.User}
}

func (j *job) change(m *consumer.Message, e effect, user schema.User) (c change, err error) {
	c = change{at: stampOf(m), user: identify(user), registration: m.Event.Action == "user.created", set: values{}}
	if err := c.set.addClaims(user, m.Event.Changes); err != nil {
		return c, err
	}
	c.set.addEffect(e, happened(m))
	if e == claims || e == create {
		c.set.addActive(m.Event.Action, happened(m))
	}
	if err := j.addPassword(&c, m, user); err != nil {
		return c, err
	}
	if c.user.empty() && c.token == nil {
		return c, errors.New("it names no user: no ID, no user name, mail address or phone number")
	}
	return c, j.addEvent(c.set, m)
}

func (v values) addEffect(e effect, at time.Time) {
	switch e {
	case create:
		v.clear("deleted_at")
	case remove:
		v.put("deleted_at", at)
		v.clear("password_hash") // nobody signs in with it any more
	case disable:
		v.put("disabled_at", at)
	case enable:
		v.clear("disabled_at")
	case lock:
		v.put("locked_at", at)
	case unlock:
		v.clear("locked_at")
	case password:
		v.put("password_changed_at", at)
		v.clear("password_hash") // the one that was known no longer holds; addPassword knows better, perhaps
	}
}

// addActive reads what directories call active: a user that they switch off is updated, not disabled.
func (v values) addActive(a schema.Action, at time.Time) {
	if a.Category() != "scim" {
		return
	}
	switch string(v["custom.active"]) {
	case "true":
		v.clear("disabled_at")
	case "false":
		v.put("disabled_at", at)
	}
}

// addEvent notes which event the newest is. The payload of an event whose password is in clear is not kept.
func (j *job) addEvent(v values, m *consumer.Message) error {
	v.put("event_id", m.Event.ID)
	v.put("event_action", m.Event.Action)
	v.put("event_time", happened(m))
	v.clear("raw")
	if j.options.DropRaw || clearPassword(m.Event) {
		return nil
	}
	raw, err := clean(m.Event.Payload)
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	v["raw"] = raw
	return nil
}

func (v values) clear(name string) { v[name] = json.RawMessage("null") }

// put sets a text or a time.
func (v values) put(name string, value any) {
	text, _ := json.Marshal(value) // of a string, an Action or a time: these can be encoded
	v[name] = text
}

// removed reports whether a value says that there is none.
func removed(value json.RawMessage) bool { return len(value) == 0 || string(value) == "null" }

// customName is the claim of a member of custom.
func customName(member string) (claim string, ok bool) { return strings.CutPrefix(member, "custom.") }
