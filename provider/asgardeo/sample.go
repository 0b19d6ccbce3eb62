package asgardeo

import (
	"fmt"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// eventBase is what the product's event URIs begin with: then the channel, /event-type/ and the name.
const eventBase = "https://schemas.identity.wso2.org/events/"

// A documented event: where its URI stands, what its sample becomes, and the sample's own members.
type documented struct {
	channel, name string
	action        schema.Action
	data          func(fresh) object
}

// Natives lists what WSO2 documents.
func (p *Provider) Natives() []provider.Native {
	var natives []provider.Native
	for _, d := range p.documented() {
		natives = append(natives, provider.Native{Name: d.name, Action: d.action})
	}
	return natives
}

// Sample makes an unsigned delivery of a documented action, with a fresh jti, a fresh user and the time of now.
func (p *Provider) Sample(native string) (provider.Request, error) {
	for _, d := range p.documented() {
		if d.name == native {
			return provider.JSONRequest(p.path, p.envelope(d))
		}
	}
	return provider.Request{}, fmt.Errorf("sample: asgardeo documents no %q", native)
}

func (p *Provider) documented() []documented {
	return []documented{
		{"login", "loginSuccess", "login.succeeded", sampleLogin},
		{"login", "loginFailed", "login.failed", sampleLoginFailed},
		{"registration", "registrationSuccess", p.options.Registration, sampleRegistration},
		{"registration", "registrationFailed", "registration.failed", sampleRegistrationFailed},
		{"token", "accessTokenIssued", "token.issued", p.sampleTokenIssued},
		{"token", "accessTokenRevoked", "token.revoked", sampleTokenRevoked},
		{"session", "sessionEstablished", "session.created", p.sampleSession},
		{"session", "sessionPresented", "session.presented", p.sampleSession},
		{"session", "sessionRevoked", "session.revoked", p.sampleSessionRevoked},
		{"credential", "credentialUpdated", "password.reset", sampleCredential},
		{"user", "userCreated", "user.created", sampleUserCreated},
		{"user", "userProfileUpdated", "user.updated", sampleProfile},
		{"user", "userEnabled", "user.enabled", sampleByAdmin},
		{"user", "userDisabled", "user.disabled", sampleByAdmin},
		{"user", "userAccountLocked", "user.locked", sampleByNobody},
		{"user", "userAccountUnlocked", "user.unlocked", sampleByNobody},
		{"user", "userDeleted", "user.deleted", sampleByAdmin},
		{"group", "groupUpdated", "group.updated", sampleGroup},
		{"consent", "consentAdded", "consent.granted", sampleConsent("CONSENT_GRANT", "ACTIVE")},
		{"consent", "consentRevoked", "consent.revoked", sampleConsent("CONSENT_REVOKE", "REVOKED")},
		{"consent-purpose", "purposeVersionAdded", "consent.updated", samplePurpose},
		{"role", "roleCreated", "role.created", sampleRoleCreated},
		{"role", "roleMetaUpdated", "role.updated", sampleRole("ROLE_UPDATE", nil)},
		{"role", "roleDeleted", "role.deleted", sampleRoleDeleted},
		{"role", "roleUsersUpdated", "role.assigned", sampleRoleUsers},
		{"role", "roleGroupsUpdated", "role.assigned", sampleRole("ROLE_UPDATE", object{
			"addedGroups": []object{{"id": sampleGroupID, "groupName": "ops", "userStoreDomain": "PRIMARY"}},
		})},
		{"role", "roleIdpGroupsUpdated", "role.unassigned", sampleRole("ROLE_UPDATE", object{
			"removedIdpGroups": []object{{
				"groupId": "9b1f7d52-0c66-4a1e-a7a3-5f0f3e9d2b44", "groupName": "contractors",
				"idpId": "c4a4b1f6-6a4e-4c88-93a5-0d7e1f2a3b4c", "idpName": "Partner Directory",
			}},
		})},
		{"role", "rolePermissionsUpdated", "role.updated", sampleRole("ROLE_UPDATE", object{
			"addedPermissions":   []string{"internal_role_mgt_view"},
			"removedPermissions": []string{"internal_user_mgt_view"},
		})},
	}
}

type object map[string]any

func (p *Provider) envelope(d documented) any {
	data := d.data(fresh{user: newUUID(), suffix: provider.RandomHex(4)})
	for name, value := range sampleTenant() {
		data[name] = value
	}
	return struct {
		Issuer      string            `json:"iss"`
		ID          string            `json:"jti"`
		Time        int64             `json:"iat"`
		Correlation string            `json:"rci"`
		Events      map[string]object `json:"events"`
	}{
		"https://api.asgardeo.io/t/acme", newUUID(), p.now().UnixMilli(), newUUID(),
		map[string]object{eventBase + d.channel + "/event-type/" + d.name: data},
	}
}

func sampleTenant() object {
	return object{"tenant": object{"id": "40117", "name": "acme"}, "organization": sampleOrganization()}
}

func sampleOrganization() object {
	return object{"id": "5c2b1a60-0d3e-4f7a-9a55-6b7f1d2e3c40", "name": "acme", "orgHandle": "acme", "depth": 0}
}

// newUUID makes a random UUID (RFC 9562, version 4).
func newUUID() string {
	h := provider.RandomHex(16)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-a" + h[17:20] + "-" + h[20:]
}
