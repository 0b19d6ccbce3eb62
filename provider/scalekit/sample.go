package scalekit

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// official lists the events of Scalekit's API reference, in its order.
func official() []string {
	return []string{
		"organization.created", "organization.updated", "organization.deleted",
		"organization.domain_created", "organization.domain_deleted",
		"organization.domain_dns_verification_success", "organization.domain_dns_verification_failed",
		"user.signup", "user.login", "user.logout", "user.organization_invitation",
		"user.organization_membership_created", "user.organization_membership_updated",
		"user.organization_membership_deleted",
		"organization.directory_enabled", "organization.directory_disabled",
		"organization.directory.user_created", "organization.directory.user_updated",
		"organization.directory.user_deleted", "organization.directory.group_created",
		"organization.directory.group_updated", "organization.directory.group_deleted",
		"organization.sso_created", "organization.sso_enabled", "organization.sso_disabled", "organization.sso_deleted",
		"role.created", "role.updated", "role.deleted",
		"permission.created", "permission.updated", "permission.deleted",
		"connected_account.created", "connected_account.updated", "connected_account.deleted",
		"connected_account.token_refresh_succeeded", "connected_account.token_refresh_failed",
		"connected_account.magic_link_generated", "connected_account.oauth_tokens_fetched",
		"connected_account.oauth_succeeded", "connected_account.status_updated",
	}
}

// simple lists the events of the page with the simplified catalogue.
func simple() []string {
	return []string{
		"user.authenticated", "user.authentication_failed", "user.created", "user.updated", "user.deleted",
		"session.created", "session.expired", "connection.created", "connection.enabled", "scim.user_provisioned",
		"scim.user_deprovisioned",
	}
}

// Natives lists what Scalekit documents: 41 events of its official catalogue, 11 of the simplified one.
func (p *Provider) Natives() []provider.Native {
	names := append(official(), simple()...)
	natives := make([]provider.Native, len(names))
	for i, name := range names {
		natives[i] = provider.Native{Name: name, Action: action(name)}
	}
	return natives
}

// Sample makes an unsigned delivery of a documented action, with fresh IDs, a fresh user and the time of now.
func (p *Provider) Sample(native string) (provider.Request, error) {
	s := newSampler(native, p.now().UTC())
	var body any
	switch {
	case slices.Contains(official(), native):
		body = s.envelope()
	case slices.Contains(simple(), native):
		body = simpleEnvelope{native, s.simple()}
	default:
		return provider.Request{}, fmt.Errorf("sample: scalekit documents no %q", native)
	}
	r, err := provider.JSONRequest(p.path, body)
	if err != nil {
		return provider.Request{}, err
	}
	r.Header.Set("User-Agent", "Svix-Webhooks/1.84.0")
	r.Header.Set("Webhook-Id", provider.NewWebhookID())
	return r, nil
}

type object map[string]any

// An envelope is the body of an official event.
type envelope struct {
	SpecVersion    string `json:"spec_version"`
	ID             string `json:"id"`
	Type           string `json:"type"`
	Object         string `json:"object"`
	OccurredAt     string `json:"occurred_at"`
	EnvironmentID  string `json:"environment_id"`
	OrganizationID string `json:"organization_id,omitempty"`
	Data           object `json:"data"`
	DisplayName    string `json:"display_name"`
}

// A simpleEnvelope is the body of a simplified event, as published: without ID and time.
type simpleEnvelope struct {
	Type string `json:"type"`
	Data object `json:"data"`
}

// A sampler makes the data of one event. Its people and organizations are fresh, so that samples do not collide.
type sampler struct {
	native       string
	at           time.Time
	fresh        string // lower-case hex
	organization string
	user         string
}

func newSampler(native string, at time.Time) sampler {
	return sampler{native, at, provider.RandomHex(4), newID("org"), newID("usr")}
}

// newID is a prefix and 18 digits, as Scalekit's IDs are.
func newID(prefix string) string { return fmt.Sprintf("%s_%018d", prefix, rand.Uint64N(1e18)) }

// time is RFC 3339 with nanoseconds, that long before the event.
func (s sampler) time(before time.Duration) string { return s.at.Add(-before).Format(time.RFC3339Nano) }

func (s sampler) email() string { return "grace." + s.fresh + "@example.com" }

func (s sampler) envelope() envelope {
	e := envelope{
		SpecVersion: "1", ID: newID("evt"), Type: s.native, Object: s.kind(), OccurredAt: s.time(0),
		EnvironmentID: newID("env"), OrganizationID: s.organization, Data: s.data(), DisplayName: s.title(),
	}
	if s.about("role.") || s.about("permission.") || s.about("connected_account.") {
		e.OrganizationID = ""
	}
	return e
}

func (s sampler) about(family string) bool { return about(s.native, family) }

// title is the native action for people: "User Login".
func (s sampler) title() string {
	words := strings.FieldsFunc(s.native, func(r rune) bool { return r == '.' || r == '_' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}

// kind is what Scalekit calls the thing in data.
func (s sampler) kind() string {
	switch {
	case s.about("organization.domain_"):
		return "Domain"
	case s.about("organization.directory.user_"):
		return "DirectoryUser"
	case s.about("organization.directory.group_"):
		return "DirectoryGroup"
	case s.about("organization.directory_"):
		return "Directory"
	case s.about("organization.sso_"):
		return "Connection"
	case s.about("organization."):
		return "Organization"
	case s.about("user.organization_"):
		return "OrgMembership"
	case s.about("user.log"):
		return "UserLoginEvent"
	case s.about("role."):
		return "Role"
	case s.about("permission."):
		return "Permission"
	case s.about("connected_account."):
		return "ConnectedAccount"
	}
	return "User"
}
