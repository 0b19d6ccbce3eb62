package mgpass

import (
	"fmt"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// Natives lists what mgPass documents.
func (p *Provider) Natives() []provider.Native {
	names := []string{
		"user.login.success", "user.login.failed", "user.register", "user.suspended", "user.unsuspended",
		"user.deleted", "session.created", "session.revoked", "token.issued", "token.refreshed", "role.assigned",
		"role.removed", "user.impersonated", "rewards.points_awarded", "rewards.tier_promoted", "rewards.redeemed",
		"cashback.redeemed", "cashback.processed",
	}
	natives := make([]provider.Native, len(names))
	for i, name := range names {
		natives[i] = provider.Native{Name: name, Action: action(name)}
	}
	return natives
}

// Sample makes an unsigned delivery of a documented action, with a fresh ID where the envelope has one, a fresh user
// and the time of now.
func (p *Provider) Sample(native string) (provider.Request, error) {
	if !documented(p.Natives(), native) {
		return provider.Request{}, fmt.Errorf("sample: mgpass documents no %q", native)
	}
	return provider.JSONRequest(p.path, p.envelope(native, sampleData(native)))
}

func documented(natives []provider.Native, name string) bool {
	for _, n := range natives {
		if n.Name == name {
			return true
		}
	}
	return false
}

type object map[string]any

func (p *Provider) envelope(native string, data object) any {
	if isRewards(native) {
		return struct {
			EventType string `json:"event_type"`
			Data      object `json:"data"`
			Timestamp string `json:"timestamp"`
		}{native, data, p.now().UTC().Format("2006-01-02T15:04:05.000Z07:00")}
	}
	return struct {
		ID        string `json:"id"`
		Type      string `json:"type"`
		CreatedAt int64  `json:"created_at"`
		Data      object `json:"data"`
	}{"evt_" + provider.RandomHex(5), native, p.now().Unix(), data}
}

func isRewards(native string) bool {
	return strings.HasPrefix(native, "rewards.") || strings.HasPrefix(native, "cashback.")
}

// sampleData is the documented data of an event, and its user alone where none is documented.
func sampleData(native string) object {
	fresh := provider.RandomHex(4)
	data := object{"user_id": "usr_" + fresh}
	switch native {
	case "user.login.success":
		data["email"], data["method"], data["client_id"] = "kwame."+fresh+"@example.com", "password", "app_portal1"
		data["ip_address"], data["user_agent"] = "203.0.x.x", "Mozilla/5.0 (X11; Linux x86_64)"
	case "user.register":
		data["email"], data["method"], data["client_id"] = "kwame."+fresh+"@example.com", "email_password", "app_portal1"
	case "role.assigned":
		data["role_id"], data["role_name"], data["assigned_by"] = "role_subscriber", "subscriber", "usr_admin1"
	case "rewards.points_awarded":
		data["points"], data["event_type"], data["platform"] = 150, "purchase", "portal"
	}
	return data
}
