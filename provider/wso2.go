package provider

import (
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// WSO2Event gives the name in an event URI of WSO2, …/events/<channel>/event-type/<name>. False: it is none. The channel
// tells nothing more: early drafts spelt some otherwise.
func WSO2Event(uri string) (name string, ok bool) {
	before, name, ok := strings.Cut(uri, "/event-type/")
	channel := before[strings.LastIndexByte(before, '/')+1:]
	if !ok || channel == "" || name == "" || strings.Contains(name, "/") {
		return "", false
	}
	return name, strings.HasSuffix(before, "/events/"+channel)
}

// WSO2Action maps the name of an event of WSO2, empty for any other. Event is the object under it, whose fields decide
// for some.
func WSO2Action(name string, event Value) schema.Action {
	switch name {
	case "credentialUpdated":
		return wso2Credential(event)
	case "roleUsersUpdated", "roleGroupsUpdated", "roleIdpGroupsUpdated":
		return assignment(WSO2RoleChanges(name, event.Get("role")))
	case "loginSuccess":
		return "login.succeeded"
	case "loginFailed":
		return "login.failed"
	case "registrationSuccess":
		return "user.created"
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
	return wso2Account(name)
}

func wso2Account(name string) schema.Action {
	switch name {
	case "userCreated":
		return "user.created"
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

// wso2Credential tells a password that a reset set from one that its owner or an administrator changed.
func wso2Credential(event Value) schema.Action {
	switch {
	case event.Get("credentialType").Text() != "PASSWORD":
		return "credential.updated"
	case event.Get("action").Text() == "RESET":
		return "password.reset"
	}
	return "password.changed"
}

// WSO2RoleChanges are what a role was given to and taken from: users, groups, or groups of an identity provider.
func WSO2RoleChanges(name string, role Value) (added, removed []Value) {
	var list string
	switch name {
	case "roleUsersUpdated":
		list = "Users"
	case "roleGroupsUpdated":
		list = "Groups"
	case "roleIdpGroupsUpdated":
		list = "IdpGroups"
	default:
		return nil, nil
	}
	return role.Get("added" + list).Elements(), role.Get("removed" + list).Elements()
}

// assignment is the direction of a change, where it has one.
func assignment(added, removed []Value) schema.Action {
	switch {
	case len(added) > 0 && len(removed) == 0:
		return "role.assigned"
	case len(removed) > 0 && len(added) == 0:
		return "role.unassigned"
	}
	return "role.updated"
}
