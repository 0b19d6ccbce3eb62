package asgardeo

import (
	"slices"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Things of which an event may name several: the plural holds all, the singular the first.

// fillTokens reads what is told about tokens. The tokens themselves are never in an event.
func fillTokens(e *schema.Event, data provider.Value, tokens ...provider.Value) {
	scopes := texts(data.Get("scopes"))
	var all []schema.Token
	for _, v := range tokens {
		text := func(name string) string { return v.Get(name).Text() }
		t := schema.Token{ID: text("jti"), Type: text("tokenType"), GrantType: text("grantType"), Scopes: scopes}
		if t.ID != "" || t.Type != "" || t.GrantType != "" || t.Scopes != nil {
			all = append(all, t)
		}
	}
	if e.Token = first(all); len(all) > 1 {
		e.Tokens = all
	}
}

// fillApplications adds those of a list to the one that stands by itself, which stays the first.
func fillApplications(e *schema.Event, list []provider.Value) {
	var all []schema.Thing
	if e.Application != nil {
		all = append(all, *e.Application)
	}
	for _, v := range list {
		a := application(v)
		known := func(other schema.Thing) bool { return other == *a || other.ID == a.ID && a.ID != "" }
		if a != nil && !slices.ContainsFunc(all, known) {
			all = append(all, *a)
		}
	}
	if e.Application = first(all); len(all) > 1 {
		e.Applications = all
	}
}

// fillSessions takes each ID once.
func fillSessions(e *schema.Event, ids ...string) {
	var all []schema.Session
	for _, id := range ids {
		if s := (schema.Session{ID: id}); id != "" && !slices.Contains(all, s) {
			all = append(all, s)
		}
	}
	if e.Session = first(all); len(all) > 1 {
		e.Sessions = all
	}
}

// fillRole reads what changed about a role: to whom it was given, or what it permits.
func fillRole(e *schema.Event, role provider.Value) {
	added, removed := provider.WSO2RoleChanges(e.Native, role)
	both := slices.Concat(added, removed)
	switch e.Native {
	case "roleUsersUpdated":
		fillMembers(e, both)
		changed(e, "users")
	case "roleGroupsUpdated":
		if len(both) == 1 {
			e.Group = thing(both[0], "id", "groupName")
		}
		changed(e, "groups")
	case "roleIdpGroupsUpdated":
		if len(both) == 1 {
			e.Group = thing(both[0], "groupId", "groupName")
			e.Connection = thing(both[0], "idpId", "idpName")
		}
		changed(e, "groups")
	case "rolePermissionsUpdated":
		fillPermission(e, role)
		changed(e, "permissions")
	}
}

// changed says what of a role is another, where the action does not.
func changed(e *schema.Event, what string) {
	if e.Action == "role.updated" {
		e.Changes = []string{what}
	}
}

// fillMembers makes the one user that a role was given to or taken from the event's user. Several are its members where
// all go the same way.
func fillMembers(e *schema.Event, users []provider.Value) {
	if len(users) == 1 {
		if u := readUser(users[0], "claims"); u != nil {
			e.User = u
		}
		return
	}
	if e.Action == "role.updated" {
		return
	}
	var all []schema.User
	for _, v := range users {
		if u := readUser(v, "claims"); u != nil {
			all = append(all, *u)
		}
	}
	if len(all) > 0 {
		e.User = &all[0]
	}
	if len(all) > 1 {
		e.Members = all
	}
}

func fillPermission(e *schema.Event, role provider.Value) {
	names := append(texts(role.Get("addedPermissions")), texts(role.Get("removedPermissions"))...)
	if len(names) == 1 {
		e.Permission = &schema.Thing{Name: names[0]}
	}
}

// first is the first of a list, nil where it is empty.
func first[T any](list []T) *T {
	if len(list) == 0 {
		return nil
	}
	return &list[0]
}

// texts are the elements of an array that are texts.
func texts(v provider.Value) []string {
	var all []string
	for _, element := range v.Elements() {
		if element.Text() != "" {
			all = append(all, element.Text())
		}
	}
	return all
}
