package scalekit

import (
	"cmp"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// about reports whether native is one of a family of events, also one that is not documented yet.
func about(native, family string) bool { return strings.HasPrefix(native, family) }

// fill sets the common members of e that the body can fill. data has one shape for each family of events; object, which
// Scalekit spells differently for the same thing, decides nothing.
func fill(e *schema.Event, body provider.Value) {
	data := body.Get("data")
	text := func(name string) string { return data.Get(name).Text() }
	e.Organization = thing(cmp.Or(body.Get("organization_id").Text(), text("organization_id"), text("organizationId")), "")
	switch native := e.Native; {
	case native == "organization.created", native == "organization.updated", native == "organization.deleted":
		e.Organization = thing(cmp.Or(text("id"), body.Get("organization_id").Text()), text("display_name"))
	case about(native, "organization.domain_"):
		e.Domain = thing(text("id"), text("domain"))
	case about(native, "organization.directory."):
		directoryRecord(e, data)
	case about(native, "organization.directory_"):
		e.Directory = thing(text("id"), text("provider"))
	case about(native, "organization.sso_"):
		e.Connection = thing(text("id"), text("provider"))
	case about(native, "role."):
		e.Role = thing(text("id"), text("name"))
	case about(native, "permission."):
		e.Permission = thing(text("id"), text("name"))
	case about(native, "connected_account."):
		connectedAccount(e, data)
	default:
		account(e, data)
		simplified(e, data)
		e.Actor = actor(e)
	}
}

// thing is nil where there is neither an ID nor a name.
func thing(id, name string) *schema.Thing {
	if id == "" && name == "" {
		return nil
	}
	return &schema.Thing{ID: id, Name: name}
}

// directoryRecord reads a user or a group that a directory pushed.
func directoryRecord(e *schema.Event, data provider.Value) {
	e.Actor = &schema.Actor{Type: "application"}
	e.Directory = thing(data.Get("directory_id").Text(), "")
	if about(e.Native, "organization.directory.group_") {
		e.Group = thing(data.Get("id").Text(), data.Get("display_name").Text())
		return
	}
	e.User = directoryUser(data)
}

// connectedAccount reads an account that an end user connected. identifier is that user in the customer's own system.
func connectedAccount(e *schema.Event, data provider.Value) {
	text := func(name string) string { return data.Get(name).Text() }
	if id := text("identifier"); id != "" {
		e.User = &schema.User{ID: id}
	}
	c := schema.Credential{Type: strings.ToLower(text("authorization_type")), ID: text("id"), Name: text("provider")}
	if c != (schema.Credential{}) {
		e.Credential = &c
	}
	e.Connection = thing(text("connection_id"), text("connection_name"))
	e.Application = thing("", text("connection_name"))
	if e.Native == "connected_account.status_updated" {
		e.Changes = []string{"status"}
	}
}

// account reads what the events of user accounts carry: the user, and an organization or a session.
func account(e *schema.Event, data provider.Value) {
	session := data.Get("user_session")
	if user := data.Get("user"); user.Kind() == provider.KindObject {
		e.User = accountUser(user)
		e.User.ID = cmp.Or(e.User.ID, session.Get("user_id").Text())
	} else if id := session.Get("user_id").Text(); id != "" {
		e.User = &schema.User{ID: id}
	}
	organization := data.Get("organization")
	if o := thing(organization.Get("id").Text(), organization.Get("display_name").Text()); o != nil {
		if o.ID == "" && e.Organization != nil {
			o.ID = e.Organization.ID
		}
		e.Organization = o
	}
	if e.Organization == nil {
		e.Organization = thing(session.Get("organization_id").Text(), "")
	}
	if id := session.Get("session_id").Text(); id != "" {
		e.Session = &schema.Session{ID: id}
	}
	device := session.Get("device")
	e.Device = thing("", deviceName(device.Get("browser").Text(), device.Get("os").Text()))
	c := schema.Client{IP: device.Get("ip").Text(), UserAgent: device.Get("user_agent").Text()}
	if c != (schema.Client{}) {
		e.Client = &c
	}
}

// deviceName is what people call a device that has no name of its own: "Firefox on Linux".
func deviceName(browser, os string) string {
	if browser == "" || os == "" {
		return browser + os
	}
	return browser + " on " + os
}

// simplified reads the camelCase members of the events that only one page of Scalekit has.
func simplified(e *schema.Event, data provider.Value) {
	text := func(name string) string { return data.Get(name).Text() }
	u := schema.User{ID: text("userId"), Email: filled(data.Get("email"))}
	if e.User == nil && (u.ID != "" || u.Email != nil) {
		e.User = &u
	}
	if id := text("sessionId"); id != "" && e.Session == nil {
		e.Session = &schema.Session{ID: id}
	}
	if method := text("method"); method != "" {
		e.Credential = &schema.Credential{Type: strings.ToLower(method)}
	}
	e.Connection = thing(text("connectionId"), "")
	e.Reason = text("reason")
	for name := range data.Get("changes").Children() {
		if name.Text() != "" {
			e.Changes = append(e.Changes, name.Text())
		}
	}
}

// actor is who did it, where the kind of event tells: users sign in, out and up themselves, directories provision.
func actor(e *schema.Event) *schema.Actor {
	switch e.Native {
	case "user.signup", "user.login", "user.logout", "user.authenticated":
		a := schema.Actor{Type: "user"}
		if e.User != nil {
			a.ID = e.User.ID
		}
		return &a
	}
	if e.Action.Category() == "scim" {
		return &schema.Actor{Type: "application"}
	}
	return nil
}
