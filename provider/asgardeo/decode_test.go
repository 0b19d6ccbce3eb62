package asgardeo_test

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/schema"
)

// delivery is a signed delivery of a body.
func delivery(t testing.TB, p *asgardeo.Provider, body []byte) provider.Request {
	t.Helper()
	r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/webhooks/asgardeo"}, Body: body}
	if err := p.Sign(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestSecretsAreSealed looks for the secret in what goes on the wire, wherever the claim stands.
func TestSecretsAreSealed(t *testing.T) {
	sealer := providertest.Sealer(t)
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	const claim = `{"uri":"http:\/\/wso2.org\/claims\/identity\/NAME","value":VALUE}`
	var lists strings.Builder
	for list := range 20 {
		lists.WriteString(`"list` + string(rune('a'+list)) + `":[CLAIM],`)
	}
	places := map[string]string{
		"claims":     `"user":{"id":"u1","claims":[{"uri":"http://wso2.org/claims/country","value":"Lebanon"},CLAIM]}`,
		"updated":    `"user":{"updatedClaims":[CLAIM]}`,
		"removed":    `"user":{"removedClaims":[CLAIM]}`,
		"added":      `"role":{"addedUsers":[{"id":"u2"},{"id":"u1","claims":[CLAIM]}]}`,
		"two lists":  `"user":{"claims":[CLAIM],"addedClaims":[CLAIM]}`,
		"nested":     `"user":{"claims":[[[CLAIM]]]}`,
		"no list":    `"user":CLAIM`,
		"full stop":  `"a.b":[CLAIM]`,
		"asterisks":  `"**":[CLAIM]`,
		"empty name": `"":[CLAIM]`,
		"many":       strings.TrimSuffix(lists.String(), ","),
	}
	names := []string{"secretkey", "verifySecretkey", "backupCodes"}
	for where, place := range places {
		for _, value := range []string{`"JBSWY3DPEHPK3PXP"`, `["other","JBSWY3DPEHPK3PXP"]`} {
			c := strings.NewReplacer("NAME", names[len(where)%len(names)], "VALUE", value).Replace(claim)
			for _, name := range []string{"userProfileUpdated", "roleUsersUpdated", "unheardOf"} {
				body := `{"events":{"https://schemas.identity.wso2.org/events/user/event-type/` + name + `":{` +
					strings.ReplaceAll(place, "CLAIM", c) + `}}}`
				got := wire(t, p, sealer, []byte(body))
				if bytes.Contains(got, []byte("JBSWY3DPEHPK3PXP")) || !bytes.Contains(got, []byte(`{"sealed":`)) {
					t.Errorf("%s, %s: in clear: %s", where, name, got)
				}
			}
		}
	}
}

// wire is what goes on the wire for a body.
func wire(t *testing.T, p *asgardeo.Provider, sealer *schema.Sealer, body []byte) []byte {
	t.Helper()
	events, err := p.Decode(delivery(t, p, body))
	if err != nil {
		t.Fatal(err)
	}
	e := events[0]
	e.Source, e.Provider, e.Received = "acme", "asgardeo", time.Unix(1760000001, 0)
	m, err := schema.Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	return m.Body
}

// TestOnlyTheSecretIsSealed: the other claims of its list, and lists of the same length elsewhere, are for everybody.
func TestOnlyTheSecretIsSealed(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	sealer := providertest.Sealer(t)
	const before, after = `{"uri":"http://wso2.org/claims/username","value":"nadia"}`, `{"uri":"http://wso2.org/claims/country","value":"GH"}`
	got := string(wire(t, p, sealer, []byte(`{"events":{"https://schemas.identity.wso2.org/events/user/event-type/userProfileUpdated":`+
		`{"user":{"addedClaims":[`+before+`,{"uri":"http://wso2.org/claims/identity/secretkey","value":"JBSWY3DPEHPK3PXP"},`+after+`],`+
		`"updatedClaims":[`+before+`,`+after+`]}}}}`)))
	if strings.Contains(got, "JBSWY3DPEHPK3PXP") || strings.Count(got, `{"sealed":`) != 1 ||
		strings.Count(got, before) != 2 || strings.Count(got, after) != 2 {
		t.Errorf("want the secret sealed and nothing else: %s", got)
	}
}

// TestNothingIsSealedWithoutSecrets: consumers in any language read claims.
func TestNothingIsSealedWithoutSecrets(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	for _, n := range p.Natives() {
		r, err := p.Sample(n.Name)
		if err != nil {
			t.Fatal(err)
		}
		events, err := p.Decode(r)
		if err != nil || len(events[0].Sensitive) > 0 {
			t.Errorf("%s: %v, seals %v", n.Name, err, events[0].Sensitive)
		}
	}
}

func TestInvalidUTF8FromTheHubIsUnreadable(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	r := delivery(t, p, []byte("{\"events\":{\"a\":{\"b\":\"\xeb\"}}}"))
	if err := p.Verify(r); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if _, err := p.Decode(r); err == nil {
		t.Error("Decode: no error")
	}
}

// TestTimes are the borders of what iat may say.
func TestTimes(t *testing.T) {
	tests := map[string]string{ // empty: none
		"1760000001007":     "2025-10-09T08:53:21.007Z",
		"1760000001":        "2025-10-09T08:53:21Z",
		"100000000000":      "5138-11-16T09:46:40Z",
		"100000000001":      "1973-03-03T09:46:40.001Z",
		"1.760000001007e12": "2025-10-09T08:53:21.007Z",
		"253402300799999":   "9999-12-31T23:59:59.999Z",
		"253402300800000":   "", "0": "", "-1760000001007": "", "1e400": "", `"1760000001007"`: "", "null": "", "{}": "",
	}
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	for iat, want := range tests {
		events, err := p.Decode(delivery(t, p, []byte(`{"iat":`+iat+`,"events":{"userDeleted":{}}}`)))
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if at := events[0].Time; !at.IsZero() {
			got = at.Format(time.RFC3339Nano)
		}
		if got != want {
			t.Errorf("%s: got %q, want %q", iat, got, want)
		}
	}
}

// TestProfiles maps the event URIs of CAEP and RISC, and leaves the rest to their shape.
func TestProfiles(t *testing.T) {
	const base = "https://schemas.openid.net/secevent/"
	tests := map[string]schema.Action{
		"caep/event-type/session-established":                "session.created",
		"caep/event-type/session-presented":                  "session.presented",
		"caep/event-type/session-revoked":                    "session.revoked",
		"caep/event-type/token-claims-change":                "token.claims_changed",
		"caep/event-type/assurance-level-change":             "assurance.changed",
		"caep/event-type/risk-level-change":                  "risk.changed",
		"caep/event-type/device-compliance-change":           "device.compliance_changed",
		"caep/event-type/credential-change":                  "credential.updated",
		"risc/event-type/account-enabled":                    "user.enabled",
		"risc/event-type/account-disabled":                   "user.disabled",
		"risc/event-type/account-purged":                     "user.deleted",
		"risc/event-type/account-credential-change-required": "credential.change_required",
		"risc/event-type/credential-compromise":              "credential.compromised",
		"risc/event-type/identifier-changed":                 "identifier.changed",
		"risc/event-type/identifier-recycled":                "identifier.recycled",
		"risc/event-type/recovery-activated":                 "recovery.started",
		"risc/event-type/recovery-information-changed":       "recovery.updated",
		"risc/event-type/sessions-revoked":                   "session.revoked",
		"risc/event-type/opt-out-effective":                  "other.risc_opt_out_effective",
		"caep/event-type/":                                   "other.caep_",
		"caep session-revoked":                               "other.caep_session_revoked",
	}
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	for tail, want := range tests {
		events, err := p.Decode(delivery(t, p, []byte(`{"events":{"`+base+tail+`":{}}}`)))
		if err != nil {
			t.Fatal(err)
		}
		if e := events[0]; e.Action != want || e.Native != base+tail {
			t.Errorf("%s: got %s of %s, want %s", tail, e.Action, e.Native, want)
		}
	}
}

// TestActionsAreKnown: what is documented becomes an action of the catalogue, on all ways through the map.
func TestActionsAreKnown(t *testing.T) {
	var known []schema.Action
	for _, a := range schema.Actions() {
		known = append(known, a.Action)
	}
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, "test-secret")
	if n := len(p.Natives()); n != 28 {
		t.Errorf("%d native actions, want 28", n)
	}
	for _, n := range p.Natives() {
		if !slices.Contains(known, n.Action) {
			t.Errorf("%s: %s is not in the catalogue", n.Name, n.Action)
		}
	}
}
