package scalekit

import "github.com/forebayhq/forebay/schema"

// action maps a native action: the official catalogue, and the names of the simplified one.
func action(native string) schema.Action {
	switch native {
	case "organization.domain_created":
		return "domain.created"
	case "organization.domain_deleted":
		return "domain.deleted"
	case "organization.domain_dns_verification_success":
		return "domain.verified"
	case "organization.domain_dns_verification_failed":
		return "domain.verification_failed"
	case "user.signup":
		return "user.created"
	case "user.login", "user.authenticated":
		return "login.succeeded"
	case "user.authentication_failed":
		return "login.failed"
	case "user.logout":
		return "session.ended"
	case "user.organization_invitation":
		return "invitation.created"
	case "user.organization_membership_created":
		return "membership.created"
	case "user.organization_membership_updated":
		return "membership.updated"
	case "user.organization_membership_deleted":
		return "membership.deleted"
	case "organization.created", "organization.updated", "organization.deleted",
		"role.created", "role.updated", "role.deleted",
		"permission.created", "permission.updated", "permission.deleted",
		"user.created", "user.updated", "user.deleted", "session.created", "session.expired",
		"connection.created", "connection.enabled", "scim.user_provisioned", "scim.user_deprovisioned":
		return schema.Action(native)
	}
	return integration(native)
}

// integration maps what happens between an organization and other systems: directories, sign-on, connected accounts.
func integration(native string) schema.Action {
	switch native {
	case "organization.directory_enabled":
		return "directory.enabled"
	case "organization.directory_disabled":
		return "directory.disabled"
	case "organization.directory.user_created":
		return "scim.user_provisioned"
	case "organization.directory.user_updated":
		return "scim.user_updated"
	case "organization.directory.user_deleted":
		return "scim.user_deprovisioned"
	case "organization.directory.group_created":
		return "scim.group_provisioned"
	case "organization.directory.group_updated":
		return "scim.group_updated"
	case "organization.directory.group_deleted":
		return "scim.group_deprovisioned"
	case "organization.sso_created":
		return "connection.created"
	case "organization.sso_enabled":
		return "connection.enabled"
	case "organization.sso_disabled":
		return "connection.disabled"
	case "organization.sso_deleted":
		return "connection.deleted"
	case "connected_account.created":
		return "identity.linked"
	case "connected_account.updated":
		return "identity.updated"
	case "connected_account.deleted":
		return "identity.unlinked"
	case "connected_account.token_refresh_succeeded":
		return "token.refreshed"
	case "connected_account.token_refresh_failed":
		return "token.failed"
	}
	return schema.Other(native)
}

func outcome(a schema.Action) schema.Outcome {
	switch a {
	case "domain.verification_failed", "login.failed", "token.failed":
		return schema.Failure
	}
	return schema.Success
}

// sensitive are the members to seal. No documented event of a connected account carries its tokens or its link; the
// record of which it tells has them.
func sensitive(native string, a schema.Action) []schema.Member {
	members := []schema.Member{"**.txt_record_secret"}
	if a.Category() == schema.CategoryOther {
		members = append(members, "**.password", "payload.**.token")
	}
	if about(native, "connected_account.") {
		members = append(members, "payload.**.authorization_details", "payload.**.access_token",
			"payload.**.refresh_token", "payload.**.magic_link")
	}
	return members
}
