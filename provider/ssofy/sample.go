package ssofy

import (
	"fmt"

	"github.com/forebayhq/forebay/provider"
)

// Natives lists what SSOfy documents.
func (p *Provider) Natives() []provider.Native {
	return []provider.Native{
		{Name: "token_deleted", Action: "token.revoked"},
		{Name: "safety_reset", Action: "cache.reset"},
		{Name: "otp_requested", Action: "otp.requested"},
		{Name: "user_created", Action: "user.created"},
		{Name: "user_updated", Action: "user.updated"},
		{Name: "password_reset", Action: "password.reset"},
	}
}

// Sample makes an unsigned delivery of a documented action, as SSOfy's documentation shows it. What is fresh in it is
// the user, the token or the password; safety_reset has nothing, and differs by its salt.
func (p *Provider) Sample(native string) (provider.Request, error) {
	payload, err := samplePayload(native)
	if err != nil {
		return provider.Request{}, err
	}
	return provider.JSONRequest(p.path, struct {
		Action  string `json:"action"`
		Payload object `json:"payload,omitempty"`
	}{native, payload})
}

type object map[string]any

func samplePayload(native string) (object, error) {
	fresh := provider.RandomHex(4)
	switch native {
	case "token_deleted":
		return object{"token": provider.RandomHex(16)}, nil
	case "safety_reset":
		return nil, nil
	case "otp_requested":
		return object{"option": sampleOption(fresh), "ip": "203.0.113.7"}, nil
	case "user_created":
		return object{"user": sampleUser(fresh), "ip": "198.51.100.23"}, nil
	case "user_updated":
		user := object{"id": fresh, "email": "ada." + fresh + "@example.com", "phone": nil, "nickname": "countess"}
		return object{"user": user, "ip": "2001:db8::17"}, nil
	case "password_reset":
		return object{"token": "tmp_" + fresh, "password": samplePassword(), "ip": "192.0.2.44"}, nil
	}
	return nil, fmt.Errorf("sample: ssofy documents no %q", native)
}

func sampleOption(user string) object {
	return object{
		"id": "authentication-email-" + user, "type": "email", "to": "ada." + user + "@example.com",
		"hint": "*da@e******.com", "user_id": user, "action": "authentication",
	}
}

func sampleUser(fresh string) object {
	return object{
		"username": "ada." + fresh, "email": "ada." + fresh + "@example.com", "phone": "+441632960123",
		"password": samplePassword(), "given_name": "Ada", "family_name": "Lovelace", "gender": "female",
		"birthdate": "1990-12-10", "address": "12 St James Sq, London", "zoneinfo": "Europe/London", "locale": "en-GB",
		"custom_1": "newsletter",
	}
}

func samplePassword() string { return "c0rrect horse " + provider.RandomHex(4) }
