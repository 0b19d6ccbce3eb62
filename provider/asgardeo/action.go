package asgardeo

import (
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// action maps a native action, with the fields that decide.
func (p *Provider) action(native string, data provider.Value) schema.Action {
	switch native {
	case "registrationSuccess":
		return p.options.Registration
	case "credentialUpdated":
		return credentialAction(data)
	case "roleUsersUpdated", "roleGroupsUpdated", "roleIdpGroupsUpdated":
		return assignment(roleChanges(native, data.Get("role")))
	}
	if a := actionOfName(native); a != "" {
		return a
	}
	if a := actionOfProfile(native, data); a != "" {
		return a
	}
	return schema.Other(native)
}

// actionOfName maps the native actions that need no second look, empty for any other.
func actionOfName(native string) schema.Action {
	switch native {
	case "loginSuccess":
		return "login.succeeded"
	case "loginFailed":
		return "login.failed"
	case "registrationFailed":
		return "registration.failed"
	case "accessTokenIssued":
		return "token.issued"
	case "accessTokenRevoked":
		return "token.revoked"
	case "sessionEstablished":
		return "session.created"
	case "sessionPresented":
		return "session.presented"
	case "sessionRevoked":
		return "session.revoked"
	case "consentAdded":
		return "consent.granted"
	case "consentRevoked":
		return "consent.revoked"
	case "purposeVersionAdded":
		return "consent.updated"
	case "roleCreated":
		return "role.created"
	case "roleMetaUpdated", "rolePermissionsUpdated":
		return "role.updated"
	case "roleDeleted":
		return "role.deleted"
	}
	return actionOfAccount(native)
}

func actionOfAccount(native string) schema.Action {
	switch native {
	case "userCreated":
		return userCreated
	case "userProfileUpdated":
		return "user.updated"
	case "userEnabled":
		return "user.enabled"
	case "userDisabled":
		return "user.disabled"
	case "userAccountLocked":
		return "user.locked"
	case "userAccountUnlocked":
		return "user.unlocked"
	case "userDeleted":
		return "user.deleted"
	case "groupUpdated":
		return "group.updated"
	}
	return ""
}

// credentialAction tells a password that a reset set from one that its owner or an administrator changed.
func credentialAction(data provider.Value) schema.Action {
	switch {
	case data.Get("credentialType").Text() != "PASSWORD":
		return "credential.updated"
	case data.Get("action").Text() == "RESET":
		return "password.reset"
	}
	return "password.changed"
}

// roleChanges are what a role was given to and taken from: users, groups, or groups of an identity provider.
func roleChanges(native string, role provider.Value) (added, removed []provider.Value) {
	var list string
	switch native {
	case "roleUsersUpdated":
		list = "Users"
	case "roleGroupsUpdated":
		list = "Groups"
	case "roleIdpGroupsUpdated":
		list = "IdpGroups"
	default:
		return nil, nil
	}
	return elements(role.Get("added" + list)), elements(role.Get("removed" + list))
}

// assignment is the direction of a change, where it has one.
func assignment(added, removed []provider.Value) schema.Action {
	switch {
	case len(added) > 0 && len(removed) == 0:
		return "role.assigned"
	case len(removed) > 0 && len(added) == 0:
		return "role.unassigned"
	}
	return "role.updated"
}

// elements are those of an array, none where v is no array.
func elements(v provider.Value) []provider.Value {
	if v.Kind() != provider.KindArray {
		return nil
	}
	var all []provider.Value
	for element := range v.Children() {
		all = append(all, element)
	}
	return all
}
