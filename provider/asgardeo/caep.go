package asgardeo

import (
	"cmp"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// The product can be set to name events by the profiles of OpenID's Shared Signals instead of its own URIs. No server is
// known to do so; its builders for them exist.

// profileBase is what the event URIs of those profiles begin with: then caep, risc, oauth or ssf, /event-type/, a name.
const profileBase = "https://schemas.openid.net/secevent/"

// actionOfProfile maps CAEP's and RISC's event URIs, empty for any other native action.
func actionOfProfile(native string, data provider.Value) schema.Action {
	tail, ok := strings.CutPrefix(native, profileBase)
	if !ok {
		return ""
	}
	switch profile, name, _ := strings.Cut(tail, "/event-type/"); profile {
	case "caep":
		return actionOfCAEP(name, data)
	case "risc":
		return actionOfRISC(name)
	}
	return ""
}

func actionOfCAEP(name string, data provider.Value) schema.Action {
	switch name {
	case "session-established":
		return "session.created"
	case "session-presented":
		return "session.presented"
	case "session-revoked":
		return "session.revoked"
	case "credential-change":
		return credentialChange(data.Get("credential_type").Text(), data.Get("change_type").Text())
	case "token-claims-change":
		return "token.claims_changed"
	case "assurance-level-change":
		return "assurance.changed"
	case "risk-level-change":
		return "risk.changed"
	case "device-compliance-change":
		return "device.compliance_changed"
	}
	return ""
}

func actionOfRISC(name string) schema.Action {
	switch name {
	case "account-enabled":
		return "user.enabled"
	case "account-disabled":
		return "user.disabled"
	case "account-purged":
		return "user.deleted"
	case "account-credential-change-required":
		return "credential.change_required"
	case "credential-compromise":
		return "credential.compromised"
	case "identifier-changed":
		return "identifier.changed"
	case "identifier-recycled":
		return "identifier.recycled"
	case "recovery-activated":
		return "recovery.started"
	case "recovery-information-changed":
		return "recovery.updated"
	case "sessions-revoked":
		return "session.revoked"
	}
	return ""
}

// credentialChange goes by the kind of credential and by what was done to it. A change that is none of CAEP's is an
// update.
func credentialChange(kind, change string) schema.Action {
	verbs := [3]string{"created", "updated", "deleted"}
	category := "credential."
	switch kind {
	case "password":
		return "password.changed"
	case "fido2-platform", "fido2-roaming":
		category = "passkey."
	case "app", "phone-voice", "phone-sms", "fido-u2f":
		category, verbs = "mfa.", [3]string{"enrolled", "updated", "removed"}
	}
	switch change {
	case "create":
		return schema.Action(category + verbs[0])
	case "revoke", "delete":
		return schema.Action(category + verbs[2])
	}
	return schema.Action(category + verbs[1])
}

// fillProfile reads the subject and the members of an event in CAEP's profile, where the product's own are absent.
func fillProfile(e *schema.Event, subject, data provider.Value) {
	if !strings.HasPrefix(e.Native, profileBase) {
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
