package set

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/provider"
)

// documented lists the event types of the profiles, by what follows the common part of their URIs.
func documented() []string {
	return []string{
		"caep/event-type/session-established", "caep/event-type/session-presented", "caep/event-type/session-revoked",
		"caep/event-type/token-claims-change", "caep/event-type/credential-change",
		"caep/event-type/assurance-level-change", "caep/event-type/device-compliance-change",
		"caep/event-type/risk-level-change",
		"risc/event-type/account-enabled", "risc/event-type/account-disabled", "risc/event-type/account-purged",
		"risc/event-type/account-credential-change-required", "risc/event-type/credential-compromise",
		"risc/event-type/identifier-changed", "risc/event-type/identifier-recycled",
		"risc/event-type/recovery-activated", "risc/event-type/recovery-information-changed",
		"risc/event-type/sessions-revoked",
		"risc/event-type/opt-in", "risc/event-type/opt-out-initiated", "risc/event-type/opt-out-cancelled",
		"risc/event-type/opt-out-effective",
		"oauth/event-type/token-issued", "oauth/event-type/token-revoked", "oauth/event-type/tokens-revoked",
		"oauth/event-type/client-enabled", "oauth/event-type/client-disabled",
		"oauth/event-type/client-credential-changed",
		"ssf/event-type/verification", "ssf/event-type/stream-updated",
	}
}

type object map[string]any

// Natives lists the event types, and what their samples become.
func (p *Provider) Natives() []provider.Native {
	var natives []provider.Native
	for _, tail := range documented() {
		native := provider.SignalBase + tail
		text, err := json.Marshal(object{native: p.event(tail)})
		if err != nil {
			continue
		}
		if events, err := provider.ParseObject(text); err == nil {
			natives = append(natives, provider.Native{Name: native, Action: action(events.Get(native))})
		}
	}
	return natives
}

// Sample makes the claims of a fresh event; Sign makes the token of them.
func (p *Provider) Sample(native string) (provider.Request, error) {
	tail, ok := strings.CutPrefix(native, provider.SignalBase)
	if !ok || !slices.Contains(documented(), tail) {
		return provider.Request{}, fmt.Errorf("sample: set documents no %q", native)
	}
	claims, err := json.Marshal(object{
		"iss": p.options.Issuer, "aud": p.options.Audience[0], "iat": p.now().Unix(), "jti": provider.RandomHex(16),
		"txn": provider.RandomHex(8), "sub_id": p.subject(tail), "events": object{native: p.event(tail)},
	})
	if err != nil {
		return provider.Request{}, fmt.Errorf("encode claims: %w", err)
	}
	return provider.Request{
		Method: http.MethodPost, URL: &url.URL{Path: p.path}, Body: claims,
		Header: http.Header{"Content-Type": {mediaType}, "Accept": {"application/json"}},
	}, nil
}

// subject is whom a sample is about: a user, a user's session, a client or the stream.
func (p *Provider) subject(tail string) object {
	fresh := provider.RandomHex(6)
	user := object{"format": "iss_sub", "iss": p.options.Issuer, "sub": "user-" + fresh}
	switch profile, name, _ := strings.Cut(tail, "/event-type/"); {
	case profile == "ssf":
		return object{"format": "opaque", "id": "stream-" + fresh}
	case strings.HasPrefix(name, "client-"):
		return object{"format": "complex", "application": object{"format": "opaque", "id": "client-" + fresh}}
	case strings.HasPrefix(name, "session-"):
		return object{
			"format": "complex", "user": user, "session": object{"format": "opaque", "id": "session-" + fresh},
			"tenant": object{"format": "opaque", "id": "tenant-1"},
		}
	case strings.HasPrefix(name, "identifier-"), name == "credential-compromise":
		return object{"format": "email", "email": "ada." + fresh + "@example.com"}
	}
	return user
}

// event is the object of an event type, with the members that its profile demands.
func (p *Provider) event(tail string) object {
	now := p.now().Unix()
	profile, name, _ := strings.Cut(tail, "/event-type/")
	if profile == "caep" {
		e := caepEvent(name)
		e["event_timestamp"] = now
		return e
	}
	switch name {
	case "account-disabled":
		return object{"reason": "hijacking"}
	case "credential-compromise":
		return object{"credential_type": "password", "event_timestamp": now, "reason_admin": object{"en": "Found in a leaked list"}}
	case "identifier-changed":
		return object{"new-value": "ada." + provider.RandomHex(6) + "@example.com"}
	case "verification":
		return object{"state": base64.StdEncoding.EncodeToString([]byte(provider.RandomHex(8)))}
	case "stream-updated":
		return object{"status": "paused", "reason": "License is not valid"}
	}
	return object{}
}

func caepEvent(name string) object {
	e := object{"initiating_entity": "policy", "reason_admin": object{"en": "Policy 7 was violated"}}
	switch name {
	case "session-established", "session-presented":
		e = object{"initiating_entity": "user", "fp_ua": "abb0b6e7da81a42233f8f2b1a8ddb1b9a4c81611"}
	case "token-claims-change":
		e["claims"] = object{"email": "ada." + provider.RandomHex(6) + "@example.com", "role": "auditor"}
	case "credential-change":
		e = object{
			"initiating_entity": "user", "credential_type": "fido2-roaming", "change_type": "create",
			"fido2_aaguid": "accced6a-63f5-490a-9eea-e59bc1896cfc", "friendly_name": "Ada's key",
		}
	case "assurance-level-change":
		e["namespace"], e["current_level"] = "NIST-AAL", "nist-aal2"
		e["previous_level"], e["change_direction"] = "nist-aal1", "increase"
	case "device-compliance-change":
		e["previous_status"], e["current_status"] = "compliant", "not-compliant"
	case "risk-level-change":
		e["principal"], e["current_level"], e["previous_level"] = "USER", "HIGH", "LOW"
		e["risk_reason"] = "PASSWORD_FOUND_IN_DATA_BREACH"
	}
	return e
}

// Sign makes the claims in the body into a token, signed with the first secret. Where the keys are public ones only the
// transmitter can.
func (p *Provider) Sign(r *provider.Request) error {
	if p.secret == "" {
		return errors.New("sign: the private key is the transmitter's: to try, configure a source with secrets")
	}
	options := (&jose.SignerOptions{}).WithType("secevent+jwt")
	key := jose.SigningKey{Algorithm: jose.HS256, Key: []byte(p.secret)}
	signer, err := jose.NewSigner(key, options)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signed, err := signer.Sign(r.Body)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	r.Body = []byte(token)
	r.Header.Set("Content-Type", mediaType)
	if p.options.Authorization != "" {
		r.Header.Set("Authorization", p.options.Authorization)
	}
	return nil
}
