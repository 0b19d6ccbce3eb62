package asgardeo

import (
	"maps"
	"strconv"

	"github.com/forebayhq/forebay/provider"
)

// The members of each event's sample, as WSO2 documents them.

// fresh is what every sample has anew.
type fresh struct {
	user   string // a UUID
	suffix string // makes names and addresses new
}

const (
	sampleGroupID   = "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e5f6"
	sampleRoleID    = "7d1f4c11-2b7e-4a31-8d67-52b8c4b0d1aa"
	samplePurposeID = "b7e2c1d0-9a3f-4f5e-8c7d-6b5a4f3e2d1c"
	sampleAppID     = "e0b6a7d4-3a1c-4d0e-9f0b-0c1d2e3f4a5b"
	sampleKey       = "pZ8mQ2xk41"
)

func (f fresh) email() string { return "nadia." + f.suffix + "@example.com" }

func claim(name string, value any) object { return object{"uri": wso2Claims + name, "value": value} }

func (f fresh) bareUser() object {
	return object{
		"id": f.user, "organization": sampleOrganization(),
		"claims": []object{claim("username", f.email()), claim("emailaddress", f.email())},
		"ref":    "https://api.asgardeo.io/t/acme/scim2/Users/" + f.user,
	}
}

// by is what an event of a user shares: who did it, from where, to whom.
func (f fresh) by(initiator string, more object) object {
	data := object{"user": f.bareUser(), "userStore": object{"id": "UFJJTUFSWQ==", "name": "PRIMARY"}}
	if initiator != "" {
		data["initiatorType"], data["initiatorIpAddress"] = initiator, "198.51.100.7"
	}
	maps.Copy(data, more)
	return data
}

func sampleByAdmin(f fresh) object { return f.by("ADMIN", nil) }

func sampleByNobody(f fresh) object { return f.by("", nil) }

func portal() object { return object{"id": sampleAppID, "name": "Portal"} }

func sampleLogin(f fresh) object {
	return f.by("USER", object{"application": portal(), "authenticationMethods": []string{"BasicAuthenticator"}})
}

// sampleLoginFailed knows no user ID: a wrong password proves nobody.
func sampleLoginFailed(f fresh) object {
	step := object{"step": 1, "idp": "LOCAL", "authenticator": "BasicAuthenticator"}
	return object{
		"initiatorType": "USER", "initiatorIpAddress": "203.0.113.77", "application": portal(),
		"userLoginIdentifier": f.email(),
		"reason":              object{"description": "Invalid credentials provided.", "context": object{"failedStep": step}},
	}
}

func sampleRegistration(f fresh) object {
	user := f.bareUser()
	user["claims"] = append(user["claims"].([]object), claim("givenname", "Nadia"), claim("lastname", "Haddad"),
		claim("mobile", "+441632960123"), claim("identity/emailVerified", "true"))
	return f.by("USER", object{
		"user": user, "action": "REGISTER", "registrationMethods": []string{"BasicAuthenticator"},
		"credentialsEnrolled": []string{"PASSWORD"},
	})
}

func sampleUserCreated(f fresh) object {
	data := sampleRegistration(f)
	data["initiatorType"], data["action"] = "ADMIN", "INVITE"
	return data
}

func sampleRegistrationFailed(f fresh) object {
	return object{
		"initiatorType": "USER", "initiatorIpAddress": "203.0.113.77", "action": "REGISTER",
		"user":   object{"claims": []object{claim("emailaddress", f.email())}},
		"reason": object{"description": "The user name is already taken."},
	}
}

func (p *Provider) sampleTokenIssued(f fresh) object {
	return f.by("USER", object{
		"application": object{"name": "Portal", "consumerKey": sampleKey},
		"accessToken": object{
			"tokenType": "Bearer", "iat": strconv.FormatInt(p.now().UnixMilli(), 10), "jti": newUUID(),
			"grantType": "authorization_code",
		},
		"scopes": []string{"openid", "profile", "email"},
	})
}

func sampleTokenRevoked(f fresh) object {
	app := portal()
	app["consumerKey"] = sampleKey
	return f.by("USER", object{
		"applications": []object{app},
		"accessTokens": []object{{"tokenType": "Bearer", "jti": newUUID(), "grantType": "authorization_code"}},
		"reason":       "The user signed out.",
	})
}

func (p *Provider) session() object {
	return object{
		"id": provider.RandomHex(32), "loginTime": p.now().UnixMilli(), "applications": []object{portal()},
	}
}

func (p *Provider) sampleSession(f fresh) object {
	return f.by("USER", object{"application": portal(), "session": p.session()})
}

// sampleSessionRevoked ends two sessions at once.
func (p *Provider) sampleSessionRevoked(f fresh) object {
	return f.by("ADMIN", object{"sessions": []object{p.session(), p.session()}})
}

func sampleCredential(f fresh) object {
	return f.by("USER", object{"credentialType": "PASSWORD", "action": "RESET"})
}

func sampleProfile(f fresh) object {
	user := f.bareUser()
	user["addedClaims"] = []object{claim("nickname", "Nad")}
	user["updatedClaims"] = []object{claim("mobile", "+441632960124"), claim("country", "Lebanon")}
	user["removedClaims"] = []object{{"uri": wso2Claims + "photourl"}}
	return f.by("USER", object{"user": user, "action": "UPDATE"})
}

func sampleGroup(f fresh) object {
	data := f.by("ADMIN", object{"group": object{
		"id": sampleGroupID, "name": "ops", "addedUsers": []object{f.bareUser()},
		"ref": "https://api.asgardeo.io/t/acme/scim2/Groups/" + sampleGroupID,
	}})
	delete(data, "user") // it names the group's users, and is about none of them
	return data
}

func sampleConsent(action, state string) func(fresh) object {
	return func(f fresh) object {
		purpose := object{
			"id": samplePurposeID, "name": "Newsletter", "version": "2", "elements": []object{{"name": "Email"}},
		}
		return f.by("USER", object{"action": action, "consent": object{
			"id": newUUID(), "subjectId": f.user, "state": state, "serviceId": sampleAppID, "purpose": purpose,
		}})
	}
}

func samplePurpose(fresh) object {
	version := object{"version": "2", "setAsLatest": true, "elements": []object{{"name": "Email", "mandatory": false}}}
	return object{
		"initiatorType": "ADMIN", "initiatorIpAddress": "198.51.100.7", "action": "PURPOSE_UPDATE",
		"purpose": object{"id": samplePurposeID, "name": "Newsletter", "version": version},
	}
}

// sampleRole is an event of a role, with what only this one carries.
func sampleRole(action string, more object) func(fresh) object {
	return func(fresh) object {
		role := object{
			"id": sampleRoleID, "name": "auditor", "ref": "https://api.asgardeo.io/scim2/v2/Roles/" + sampleRoleID,
			"audience": object{"type": "application", "value": sampleAppID, "display": "Portal"},
		}
		maps.Copy(role, more)
		return object{
			"initiatorType": "ADMIN", "initiatorIpAddress": "198.51.100.7", "action": action, "role": role,
		}
	}
}

func sampleRoleCreated(f fresh) object {
	return sampleRole("ROLE_CREATE", object{
		"users": []object{f.bareUser()}, "groups": []object{{"id": sampleGroupID, "groupName": "ops"}},
		"permissions": []string{"internal_user_mgt_view"},
	})(f)
}

func sampleRoleDeleted(fresh) object {
	return object{
		"initiatorType": "ADMIN", "initiatorIpAddress": "198.51.100.7", "action": "APPLICATION_DELETE",
		"role": object{"id": sampleRoleID},
	}
}

func sampleRoleUsers(f fresh) object {
	return sampleRole("ROLE_UPDATE", object{"addedUsers": []object{f.bareUser()}})(f)
}
