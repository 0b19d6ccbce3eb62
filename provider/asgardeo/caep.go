package asgardeo

import (
	"cmp"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// The product can be set to name events by the profiles of OpenID's Shared Signals instead of its own URIs. No server is
// known to do so; its builders for them exist.

// fillProfile reads the subject and the members of an event in CAEP's profile, where the product's own are absent.
func fillProfile(e *schema.Event, subject, data provider.Value) {
	if !strings.HasPrefix(e.Native, provider.SignalBase) {
		return
	}
	if id := subjectID(subject.Get("user")); id != "" {
		if e.User == nil {
			e.User = &schema.User{}
		}
		e.User.ID = cmp.Or(e.User.ID, id)
	}
	if id := subjectID(subject.Get("session")); id != "" && e.Session == nil {
		e.Session = &schema.Session{ID: id}
	}
	if id := subjectID(subject.Get("tenant")); id != "" && e.Organization == nil {
		e.Organization = &schema.Thing{ID: id}
	}
	fillCredential(e, data.Get("credential_type"))
	switch initiator := data.Get("initiating_entity").Text(); initiator {
	case "admin", "user", "policy", "system":
		e.Actor = &schema.Actor{Type: initiator}
	}
}

// subjectID is the ID in a subject identifier (RFC 9493): sub of an issuer's, id of an opaque one.
func subjectID(v provider.Value) string {
	if id := v.Get("sub").Text(); id != "" {
		return id
	}
	return v.Get("id").Text()
}
