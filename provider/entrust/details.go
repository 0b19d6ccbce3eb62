package entrust

import (
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// details is the data of an event. Its subject acted; its entity is what was acted upon: in user.created the subject is
// the administrator.
type details struct{ data provider.Value }

func (d details) text(name string) string { return d.data.Get(name).Text() }

func (d details) attribute(name string) provider.Value {
	return d.data.Get("entityAttributes").Get(name)
}

// fill sets the common members of e that the data has.
func (d details) fill(e *schema.Event) {
	e.Actor = d.actor()
	e.User = d.user(e.Native)
	e.Credential = d.credential(e.Native)
	if e.Native == "magiclink.email.sent" {
		e.OTP = d.magicLink()
	}
	if name := d.text("resourceName"); name != "" {
		e.Application = &schema.Thing{Name: name}
	}
	if ip := d.text("sourceIp"); ip != "" {
		e.Client = &schema.Client{IP: ip}
	}
}

// byAdmin reports whether an administrator acted: only they have a role.
func (d details) byAdmin() bool { return d.text("subscriberAdminRoleName") != "" }

func (d details) actor() *schema.Actor {
	id := d.text("subject")
	if id == "" {
		return nil
	}
	a := &schema.Actor{Type: "user", ID: id, Name: d.text("subjectName")}
	if d.byAdmin() {
		a.Type = "admin"
	}
	return a
}

// user is the account that the event is about. What an administrator does to somebody's credential does not tell the
// ID of its owner.
func (d details) user(native string) *schema.User {
	switch {
	case strings.HasPrefix(native, "authentication."):
		return account(d.text("subject"), d.text("subjectName"))
	case strings.HasPrefix(native, "user."):
		return d.entityUser()
	case native == "password.updated":
		return account(d.text("entityId"), d.text("entityName"))
	case !d.byAdmin():
		return account(d.text("subject"), d.text("subjectName"))
	case native == "magiclink.email.sent":
		return account("", d.text("entityName"))
	}
	return account("", d.attribute("userId").Text())
}

// account is a user by ID and name, nil where there is neither.
func account(id, name string) *schema.User {
	if id == "" && name == "" {
		return nil
	}
	u := &schema.User{ID: id}
	if name != "" {
		u.PreferredUsername = &name
	}
	return u
}

// entityUser is the user that the entity is, with its attributes.
func (d details) entityUser() *schema.User {
	name := d.attribute("userId").Text()
	if name == "" {
		name = d.text("entityName")
	}
	given, family := d.attribute("firstName").OptionalText(), d.attribute("lastName").OptionalText()
	email := d.attribute("email").OptionalText()
	u := account(d.text("entityId"), name)
	if u == nil && given == nil && family == nil && email == nil {
		return nil
	}
	if u == nil {
		u = &schema.User{}
	}
	u.GivenName, u.FamilyName, u.Email = given, family, email
	return u
}

// credential is what the user signed in with, or the credential that the event is about. That of a question has no
// name: it would be the text of the question.
func (d details) credential(native string) *schema.Credential {
	named := func(kind string) *schema.Credential {
		return &schema.Credential{Type: kind, ID: d.text("entityId"), Name: d.text("entityName")}
	}
	switch {
	case strings.HasPrefix(native, "authentication."):
		if method := d.text("token"); method != "" {
			return &schema.Credential{Type: strings.ToLower(method)}
		}
		return nil
	case native == "password.updated":
		return &schema.Credential{Type: "password"}
	case native == "kba.question.created":
		return &schema.Credential{Type: "kba", ID: d.text("entityId")}
	case strings.HasPrefix(native, "grid."):
		return named("grid")
	case strings.HasPrefix(native, "passkey."):
		return named("fido2")
	case native == "face.biometric.created":
		return named("face")
	}
	return nil
}

// magicLink is where a sign-in link went, nil where the data does not tell.
func (d details) magicLink() *schema.OTP {
	o := schema.OTP{
		Channel: strings.ToLower(d.attribute("contactType").Text()),
		To:      d.attribute("contactValue").Text(),
		Purpose: strings.ToLower(d.attribute("magicLinkType").Text()),
	}
	if o == (schema.OTP{}) {
		return nil
	}
	return &o
}
