package schema

import "time"

// An ActionInfo is an action of the catalogue.
type ActionInfo struct {
	Action   Action
	Meaning  string        // what happened, in a few words
	Urgent   bool          // overtakes a backlog unless configured otherwise
	Lifetime time.Duration // how long the stream keeps it unless configured otherwise; 0: as long as any
}

// Actions lists the actions that providers' native actions become, in the order of the documentation. What none of them
// fits is [Other]. An action never changes its meaning; new ones may come.
func Actions() []ActionInfo {
	return []ActionInfo{
		{Action: "login.started", Meaning: "a sign-in flow was opened"},
		{Action: "login.succeeded", Meaning: "a user authenticated"},
		{Action: "login.failed", Meaning: "an attempt to sign in was refused"},
		{Action: "login.challenged", Meaning: "a further step was demanded"},
		{Action: "login.blocked", Meaning: "refused by attack protection"},
		{Action: "login.suspicious", Meaning: "allowed, but judged risky"},

		{Action: "registration.started", Meaning: "a sign-up flow began"},
		{Action: "registration.completed", Meaning: "a sign-up flow ended well"},
		{Action: "registration.failed", Meaning: "a sign-up was refused"},

		{Action: "user.created", Meaning: "a new account record exists"},
		{Action: "user.updated", Meaning: "a profile changed"},
		{Action: "user.deleted", Meaning: "an account is gone, soft deletion included"},
		{Action: "user.enabled", Meaning: "may sign in again after user.disabled"},
		{Action: "user.disabled", Meaning: "switched off by somebody", Urgent: true},
		{Action: "user.locked", Meaning: "shut out by policy", Urgent: true},
		{Action: "user.unlocked", Meaning: "end of a lock"},

		{Action: "identifier.changed", Meaning: "a mail address, phone number or user name changed"},
		{Action: "identifier.recycled", Meaning: "a mail address, phone number or user name was given to somebody else"},
		{Action: "identifier.verification_requested", Meaning: "proof of an address was asked for"},
		{Action: "identifier.verified", Meaning: "proof of an address was given"},
		{Action: "identifier.verification_failed", Meaning: "proof of an address was not given"},

		{Action: "identity.linked", Meaning: "a federated or connected account was added to a user"},
		{Action: "identity.updated", Meaning: "a federated or connected account of a user changed"},
		{Action: "identity.unlinked", Meaning: "a federated or connected account was taken from a user"},

		{Action: "password.changed", Meaning: "changed by its owner or an administrator"},
		{Action: "password.reset_requested", Meaning: "a reset was asked for"},
		{Action: "password.reset", Meaning: "a new password was set by a reset; as a command: set it", Urgent: true},
		{Action: "password.breached", Meaning: "found in a list of leaked passwords"},

		{Action: "otp.requested", Meaning: "make and deliver a one-time code", Urgent: true, Lifetime: 10 * time.Minute},
		{Action: "otp.sent", Meaning: "the provider delivered a code"},
		{Action: "otp.send_failed", Meaning: "the provider could not deliver a code"},
		{Action: "otp.verified", Meaning: "a code was right"},
		{Action: "otp.failed", Meaning: "a code was wrong"},

		{Action: "magiclink.sent", Meaning: "a sign-in link was delivered"},

		{Action: "message.requested", Meaning: "deliver any other mail, SMS, call or push"},
		{Action: "message.sent", Meaning: "any other mail, SMS, call or push was delivered"},
		{Action: "message.failed", Meaning: "any other mail, SMS, call or push could not be delivered"},

		{Action: "mfa.enrolled", Meaning: "a second factor was added"},
		{Action: "mfa.updated", Meaning: "a second factor changed"},
		{Action: "mfa.removed", Meaning: "a second factor was taken away"},
		{Action: "mfa.reset", Meaning: "all second factors were taken away"},
		{Action: "mfa.challenged", Meaning: "a second factor was asked for"},
		{Action: "mfa.succeeded", Meaning: "a second factor was right"},
		{Action: "mfa.failed", Meaning: "a second factor was wrong"},

		{Action: "passkey.created", Meaning: "a FIDO2 credential was added"},
		{Action: "passkey.updated", Meaning: "a FIDO2 credential changed"},
		{Action: "passkey.deleted", Meaning: "a FIDO2 credential was removed"},

		{Action: "credential.created", Meaning: "any other or unnamed credential was added"},
		{Action: "credential.updated", Meaning: "any other or unnamed credential changed"},
		{Action: "credential.deleted", Meaning: "any other or unnamed credential was removed"},
		{Action: "credential.compromised", Meaning: "a credential is known to be in wrong hands", Urgent: true},
		{Action: "credential.change_required", Meaning: "the user must change a credential"},

		{Action: "recovery.started", Meaning: "an account recovery began"},
		{Action: "recovery.succeeded", Meaning: "an account recovery ended well"},
		{Action: "recovery.failed", Meaning: "an account recovery was refused"},
		{Action: "recovery.updated", Meaning: "the addresses for account recovery changed"},

		{Action: "session.created", Meaning: "a session began"},
		{Action: "session.presented", Meaning: "a session was seen again"},
		{Action: "session.updated", Meaning: "a session was extended or changed"},
		{Action: "session.ended", Meaning: "sign-out"},
		{Action: "session.end_failed", Meaning: "a sign-out that failed"},
		{Action: "session.revoked", Meaning: "a session was ended by somebody else", Urgent: true},
		{Action: "session.expired", Meaning: "a session was ended by time"},

		{Action: "token.issued", Meaning: "a token was issued"},
		{Action: "token.refreshed", Meaning: "a token was refreshed"},
		{Action: "token.revoked", Meaning: "a token was deleted, revoked or logged out", Urgent: true},
		{Action: "token.failed", Meaning: "issuing or refreshing a token failed"},
		{Action: "token.introspected", Meaning: "a token was asked about"},
		{Action: "token.claims_changed", Meaning: "what a token says is no longer true"},

		{Action: "consent.granted", Meaning: "a user consented"},
		{Action: "consent.updated", Meaning: "a consent changed, or the purposes that it is given for"},
		{Action: "consent.revoked", Meaning: "a user took a consent back"},
		{Action: "consent.denied", Meaning: "a user refused to consent"},

		{Action: "role.created", Meaning: "a role was defined"},
		{Action: "role.updated", Meaning: "the definition of a role changed"},
		{Action: "role.deleted", Meaning: "a role is gone"},
		{Action: "role.assigned", Meaning: "a role was given to a user or group"},
		{Action: "role.unassigned", Meaning: "a role was taken from a user or group"},

		{Action: "permission.created", Meaning: "a permission or scope was defined"},
		{Action: "permission.updated", Meaning: "the definition of a permission or scope changed"},
		{Action: "permission.deleted", Meaning: "a permission or scope is gone"},

		{Action: "group.created", Meaning: "a group was made"},
		{Action: "group.updated", Meaning: "a group changed"},
		{Action: "group.deleted", Meaning: "a group is gone"},
		{Action: "group.member_added", Meaning: "a member joined a group"},
		{Action: "group.member_removed", Meaning: "a member left a group"},
		{Action: "group.member_updated", Meaning: "a membership of a group changed"},

		{Action: "access.granted", Meaning: "a user was given access to an application"},
		{Action: "access.updated", Meaning: "a user's access to an application changed"},
		{Action: "access.revoked", Meaning: "a user's access to an application was taken away"},

		{Action: "organization.created", Meaning: "a customer organization was made"},
		{Action: "organization.updated", Meaning: "a customer organization changed"},
		{Action: "organization.deleted", Meaning: "a customer organization is gone"},

		{Action: "membership.created", Meaning: "a user joined an organization"},
		{Action: "membership.updated", Meaning: "a user's membership of an organization changed"},
		{Action: "membership.deleted", Meaning: "a user left an organization"},

		{Action: "invitation.created", Meaning: "somebody was invited"},
		{Action: "invitation.accepted", Meaning: "an invitation was accepted"},
		{Action: "invitation.revoked", Meaning: "an invitation was taken back"},
		{Action: "invitation.resent", Meaning: "an invitation was sent again"},
		{Action: "invitation.failed", Meaning: "an invitation could not be sent or used"},

		{Action: "domain.created", Meaning: "a domain was added to an organization"},
		{Action: "domain.updated", Meaning: "a domain of an organization changed"},
		{Action: "domain.deleted", Meaning: "a domain was removed from an organization"},
		{Action: "domain.verified", Meaning: "an organization proved that a domain is its own"},
		{Action: "domain.verification_failed", Meaning: "the proof of a domain failed"},

		{Action: "connection.created", Meaning: "a sign-on connection was made"},
		{Action: "connection.updated", Meaning: "a sign-on connection changed"},
		{Action: "connection.enabled", Meaning: "a sign-on connection was switched on"},
		{Action: "connection.disabled", Meaning: "a sign-on connection was switched off"},
		{Action: "connection.deleted", Meaning: "a sign-on connection is gone"},

		{Action: "directory.enabled", Meaning: "a provisioning connection was switched on"},
		{Action: "directory.disabled", Meaning: "a provisioning connection was switched off"},
		{Action: "directory.deleted", Meaning: "a provisioning connection is gone"},

		{Action: "scim.user_provisioned", Meaning: "a directory pushed a new user"},
		{Action: "scim.user_updated", Meaning: "a directory pushed a change of a user"},
		{Action: "scim.user_deprovisioned", Meaning: "a directory removed a user"},
		{Action: "scim.group_provisioned", Meaning: "a directory pushed a new group"},
		{Action: "scim.group_updated", Meaning: "a directory pushed a change of a group"},
		{Action: "scim.group_deprovisioned", Meaning: "a directory removed a group"},
		{Action: "scim.member_added", Meaning: "a directory added a member to a group"},
		{Action: "scim.member_removed", Meaning: "a directory removed a member from a group"},
		{Action: "scim.failed", Meaning: "a directory's push failed"},

		{Action: "client.created", Meaning: "an OAuth client was made"},
		{Action: "client.updated", Meaning: "an OAuth client changed"},
		{Action: "client.deleted", Meaning: "an OAuth client is gone"},
		{Action: "client.enabled", Meaning: "an OAuth client was switched on"},
		{Action: "client.disabled", Meaning: "an OAuth client was switched off"},

		{Action: "apikey.created", Meaning: "a machine credential was made"},
		{Action: "apikey.revoked", Meaning: "a machine credential was revoked"},

		{Action: "impersonation.started", Meaning: "somebody acts as a user"},
		{Action: "impersonation.ended", Meaning: "somebody no longer acts as a user"},

		{Action: "risk.detected", Meaning: "a risk was seen"},
		{Action: "risk.changed", Meaning: "the level of a risk changed"},

		{Action: "assurance.changed", Meaning: "how sure the provider is of a user changed"},

		{Action: "device.added", Meaning: "a device was added"},
		{Action: "device.compliance_changed", Meaning: "a device began or ceased to comply"},

		{Action: "key.rotated", Meaning: "signing keys changed"},

		{Action: "cache.reset", Meaning: "forget cached state", Urgent: true},

		{Action: "webhook.tested", Meaning: "the webhook was tried"},
		{Action: "webhook.verified", Meaning: "the webhook was verified"},
		{Action: "webhook.updated", Meaning: "the webhook's settings changed"},
	}
}
