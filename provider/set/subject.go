package set

import (
	"cmp"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A subject is a subject identifier (RFC 9493), or one of the shapes before it.
type subject struct {
	provider.Value
	format string // with _: "iss_sub"
}

// newSubject reads format; RISC's drafts call it subject_type and write -. A complex one of the first drafts has none.
func newSubject(v provider.Value) subject {
	format := cmp.Or(v.Get("format").Text(), v.Get("subject_type").Text())
	if format == "" && v.Get("user").Kind() == provider.KindObject {
		format = "complex"
	}
	return subject{v, strings.ReplaceAll(format, "-", "_")}
}

func (s subject) text(name string) string { return s.Get(name).Text() }

// fillSubject reads whom or what the event is about: sub_id, else the event's own subject as in older tokens, else sub.
func fillSubject(e *schema.Event, claims, data provider.Value) {
	switch {
	case claims.Get("sub_id").Kind() == provider.KindObject:
		fillFrom(e, newSubject(claims.Get("sub_id")))
	case data.Get("subject").Kind() == provider.KindObject:
		fillFrom(e, newSubject(data.Get("subject")))
	case claims.Get("sub").Text() != "":
		e.User = &schema.User{ID: claims.Get("sub").Text()}
	}
}

func fillFrom(e *schema.Event, s subject) {
	if s.format != "complex" {
		e.User = user(e.Native, s)
		return
	}
	e.User = user(e.Native, newSubject(s.Get("user")))
	if id := s.part("session"); id != "" {
		e.Session = &schema.Session{ID: id}
	}
	e.Organization = thing(s.part("tenant"))
	e.Application = thing(s.part("application"))
	e.Group = thing(s.part("group"))
}

// part is the ID of a part of a complex subject.
func (s subject) part(name string) string {
	v := s.Get(name)
	return cmp.Or(v.Get("id").Text(), v.Get("sub").Text(), v.Get("uri").Text())
}

func thing(id string) *schema.Thing {
	if id == "" {
		return nil
	}
	return &schema.Thing{ID: id}
}

// user reads who it is, nil where that is not told. Of aliases each fills what is still empty.
func user(native string, s subject) *schema.User {
	u, found := new(schema.User), false
	if s.format != "aliases" {
		found = identify(u, native, s)
	} else {
		for _, alias := range s.Get("identifiers").Elements() {
			found = identify(u, native, newSubject(alias)) || found
		}
	}
	if !found {
		return nil
	}
	return u
}

// identify fills the member that one identifier is about, unless it is filled.
func identify(u *schema.User, native string, s subject) bool {
	switch s.format {
	case "iss_sub":
		return setID(u, s.text("sub"))
	case "opaque":
		return !isSSF(native) && setID(u, s.text("id"))
	case "id_token_claims":
		id := setID(u, s.text("sub"))
		return setText(&u.Email, s.text("email")) || id
	case "email":
		return setText(&u.Email, s.text("email"))
	case "phone_number", "phone":
		return setText(&u.PhoneNumber, cmp.Or(s.text("phone_number"), s.text("phone")))
	case "account":
		account, _ := strings.CutPrefix(s.text("uri"), "acct:")
		return setText(&u.PreferredUsername, account)
	case "uri":
		return setAddress(u, "uri", s.Get("uri"))
	case "did":
		return setAddress(u, "did", s.Get("url"))
	}
	return false
}

func setID(u *schema.User, id string) bool {
	u.ID = cmp.Or(u.ID, id)
	return id != ""
}

func setText(member **string, text string) bool {
	if text == "" {
		return false
	}
	if *member == nil {
		*member = &text
	}
	return true
}

// setAddress keeps an identifier that has no standard claim.
func setAddress(u *schema.User, name string, v provider.Value) bool {
	if v.Text() == "" {
		return false
	}
	if u.Custom[name] == nil {
		setCustom(u, name, v.Raw())
	}
	return true
}
