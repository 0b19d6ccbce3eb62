package asgardeo

import (
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// fillShared reads what any event may carry.
func fillShared(e *schema.Event, data provider.Value) {
	if user := data.Get("user"); user.Kind() == provider.KindObject {
		e.User = readUser(user, "claims", "addedClaims", "updatedClaims")
	}
	e.Actor = actor(data)
	if ip := data.Get("initiatorIpAddress").Text(); ip != "" {
		e.Client = &schema.Client{IP: ip}
	}
	if e.Organization = thing(data.Get("organization"), "id", "name"); e.Organization == nil {
		e.Organization = thing(data.Get("tenant"), "id", "name")
	}
	e.Application = application(data.Get("application"))
	e.Role = thing(data.Get("role"), "id", "name")
	e.Reason = reason(data.Get("reason"))
}

// actor is who did it, in words that we know. Logins on older versions do not tell.
func actor(data provider.Value) *schema.Actor {
	switch initiator := data.Get("initiatorType").Text(); initiator {
	case "USER":
		return &schema.Actor{Type: "user", ID: data.Get("user").Get("id").Text()}
	case "ADMIN", "APPLICATION", "SYSTEM":
		return &schema.Actor{Type: strings.ToLower(initiator)}
	}
	return nil
}

func reason(v provider.Value) string {
	if v.Kind() == provider.KindText {
		return v.Text()
	}
	return v.Get("description").Text()
}

// thing reads an ID and a name, nil where v has neither.
func thing(v provider.Value, id, name string) *schema.Thing {
	t := schema.Thing{ID: v.Get(id).Text(), Name: v.Get(name).Text()}
	if t == (schema.Thing{}) {
		return nil
	}
	return &t
}

func application(v provider.Value) *schema.Thing {
	if v.Get("id").Text() == "" {
		return thing(v, "consumerKey", "name")
	}
	return thing(v, "id", "name")
}

// fillOwn reads what only some events carry.
func fillOwn(e *schema.Event, data provider.Value) {
	switch e.Native {
	case "loginSuccess":
		fillLogin(e, data)
	case "loginFailed":
		fillIdentifier(e, data.Get("userLoginIdentifier").OptionalText())
	case "accessTokenIssued":
		fillTokens(e, data, data.Get("accessToken"))
	case "accessTokenRevoked":
		fillTokens(e, data, data.Get("accessTokens").Elements()...)
		fillApplications(e, data.Get("applications").Elements())
	case "sessionEstablished", "sessionPresented":
		fillSessions(e, data.Get("session").Get("id").Text())
		fillApplications(e, data.Get("session").Get("applications").Elements())
	case "sessionRevoked":
		fillSessions(e, revokedSessions(data)...)
	case "credentialUpdated":
		fillCredential(e, data.Get("credentialType"))
	case "userProfileUpdated":
		e.Changes = claimChanges(data.Get("user"))
	case "groupUpdated":
		e.Group, e.Changes = thing(data.Get("group"), "id", "name"), []string{"users"}
	case "consentAdded", "consentRevoked":
		fillConsent(e, data.Get("consent"))
	default:
		fillRole(e, data.Get("role"))
	}
}

// fillLogin names the credential only where one alone was used.
func fillLogin(e *schema.Event, data provider.Value) {
	if methods := data.Get("authenticationMethods").Elements(); len(methods) == 1 {
		fillCredential(e, methods[0])
	}
}

func fillCredential(e *schema.Event, kind provider.Value) {
	if kind.Text() != "" {
		e.Credential = &schema.Credential{Type: strings.ToLower(kind.Text())}
	}
}

// fillIdentifier takes what somebody typed as their user name, where the claims have none: of a login that failed,
// nothing else may be known.
func fillIdentifier(e *schema.Event, typed *string) {
	switch {
	case typed == nil || *typed == "":
	case e.User == nil:
		e.User = &schema.User{PreferredUsername: typed}
	case e.User.PreferredUsername == nil:
		e.User.PreferredUsername = typed
	}
}

// revokedSessions are the IDs of the session that is named by itself and of those in the list.
func revokedSessions(data provider.Value) []string {
	ids := []string{data.Get("sessionId").Text()}
	for _, v := range data.Get("sessions").Elements() {
		ids = append(ids, v.Get("id").Text())
	}
	return ids
}

// fillConsent names a consent by what it is given for: it has no name of its own.
func fillConsent(e *schema.Event, consent provider.Value) {
	c := schema.Thing{ID: consent.Get("id").Text(), Name: consent.Get("purpose").Get("name").Text()}
	if c != (schema.Thing{}) {
		e.Consent = &c
	}
}
