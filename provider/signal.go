package provider

import (
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// SignalBase is what the event URIs of OpenID's Shared Signals begin with: then caep, risc, oauth or ssf, /event-type/,
// and a name. Some products use them in tokens, some in plain JSON.
const SignalBase = "https://schemas.openid.net/secevent/"

// SignalAction maps an event URI of CAEP, RISC, SSF or the OAuth event types, empty for any other. Event is the object
// under it, whose fields decide for a credential-change.
func SignalAction(uri string, event Value) schema.Action {
	tail, ok := strings.CutPrefix(uri, SignalBase)
	if !ok {
		return ""
	}
	switch profile, name, _ := strings.Cut(tail, "/event-type/"); profile {
	case "caep":
		return actionOfCAEP(name, event)
	case "risc":
		return actionOfRISC(name)
	case "oauth":
		return actionOfOAuth(name)
	case "ssf":
		return actionOfSSF(name)
	}
	return ""
}

func actionOfCAEP(name string, event Value) schema.Action {
	switch name {
	case "session-established":
		return "session.created"
	case "session-presented":
		return "session.presented"
	case "session-revoked":
		return "session.revoked"
	case "credential-change":
		return credentialChange(event.Get("credential_type").Text(), event.Get("change_type").Text())
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

func actionOfOAuth(name string) schema.Action {
	switch name {
	case "token-issued":
		return "token.issued"
	case "token-revoked", "tokens-revoked":
		return "token.revoked"
	case "client-enabled":
		return "client.enabled"
	case "client-disabled":
		return "client.disabled"
	case "client-credential-changed":
		return "client.updated"
	}
	return ""
}

func actionOfSSF(name string) schema.Action {
	switch name {
	case "verification":
		return "webhook.verified"
	case "stream-updated":
		return "webhook.updated"
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
