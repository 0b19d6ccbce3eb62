package generic_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"math/big"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// two is a source with two secrets: "s" and "s2".
func two(verify string) string {
	return strings.Replace(minimal(verify), `["${SECRET}"]`, `["${SECRET}", "${SECRET}2"]`, 1)
}

func post(headers ...string) provider.Request {
	pairs := make(map[string]string)
	for i := 0; i < len(headers); i += 2 {
		pairs[headers[i]] = headers[i+1]
	}
	return request(http.MethodPost, "/webhooks/test", pairs, `{"type":"x"}`)
}

func TestAllOf(t *testing.T) {
	p := mustBuild(t, two("all_of: [{hmac: {headers: [X-Mac], secrets: [1]}}, {credential: {in: bearer, secrets: [2]}}, {network: {cidrs: [203.0.113.0/24, \"2001:db8::/32\"]}}]"), "s", noon)
	r := post()
	if err := p.(provider.Signer).Sign(&r); err != nil {
		t.Fatal(err)
	}
	for peer, valid := range map[string]bool{"203.0.113.7": true, "::ffff:203.0.113.7": true, "2001:db8::1": true, "203.0.114.7": false} {
		r.Peer = netip.MustParseAddr(peer)
		if err := p.Verify(r); (err == nil) != valid {
			t.Errorf("from %s: %v, want valid %t", peer, err, valid)
		}
	}
	r.Peer = netip.Addr{}
	if p.Verify(r) == nil {
		t.Error("accepted from nowhere")
	}
	r.Peer = netip.MustParseAddr("203.0.113.7")
	for _, name := range []string{"X-Mac", "Authorization"} {
		less := r
		less.Header = r.Header.Clone()
		less.Header.Del(name)
		if p.Verify(less) == nil {
			t.Errorf("accepted without %s", name)
		}
	}
	r.Header.Set("Authorization", "Bearer s")
	if p.Verify(r) == nil {
		t.Error("the secret of the HMAC is taken as the credential")
	}
}

func TestAnyOf(t *testing.T) {
	p := mustBuild(t, two("any_of: [{standard-webhooks: {secrets: [1]}}, {hmac: {headers: [X-Mac], encoding: base64, hash: sha512, secrets: [2]}}]"), "whsec_AQID", noon)
	first := post()
	if err := p.(provider.Signer).Sign(&first); err != nil {
		t.Fatal(err)
	}
	only := mustBuild(t, minimal("hmac: {headers: [X-Mac], encoding: base64, hash: sha512}"), "whsec_AQID2", noon)
	second := post()
	if err := only.(provider.Signer).Sign(&second); err != nil {
		t.Fatal(err)
	}
	for name, r := range map[string]provider.Request{"first": first, "second": second} {
		if err := p.Verify(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		r.Body = []byte(`{"type":"y"}`)
		if p.Verify(r) == nil {
			t.Errorf("%s: another body is accepted", name)
		}
	}
	err := p.Verify(post())
	if err == nil || !strings.Contains(err.Error(), "standard-webhooks: ") || !strings.Contains(err.Error(), "; hmac: ") {
		t.Errorf("got %v, want what each verifier says", err)
	}
}

func TestCredentialInEveryElement(t *testing.T) {
	p := mustBuild(t, minimal("credential: {in: member, name: /value/*/clientState, unsigned: true}")+"      events: /value\n", "s", noon)
	for body, valid := range map[string]bool{
		`{"value":[{"clientState":"s"}]}`:                       true,
		`{"value":[{"clientState":"s"},{"clientState":"s"}]}`:   true,
		`{"value":[{"clientState":"s"},{"clientState":"t"}]}`:   false,
		`{"value":[{"clientState":"s"},{}]}`:                    false,
		`{"value":[{"clientState":["s"]}]}`:                     false,
		`{"value":[]}`:                                          false,
		`{"value":{"*":{"clientState":"s"}}}`:                   true, // a member named *
		`{"value":[{"clientState":"s"}]} x`:                     false,
		`{"value":[{"clientState":"t","clientState":"s"}]}`:     true, // the last counts, for every reader
		`[{"clientState":"s"}]`:                                 false,
		`{"value":[{"clientState":"s"}],"value":[{"other":1}]}`: false,
	} {
		r := post()
		r.Body = []byte(body)
		if err := p.Verify(r); (err == nil) != valid {
			t.Errorf("%s: %v, want valid %t", body, err, valid)
		}
	}
}

func TestCredentials(t *testing.T) {
	for _, c := range []struct {
		credential, header, query string
		valid                     bool
	}{
		{"in: bearer", "bearer u:p", "", true},
		{"in: bearer", "Bearer  u:p", "", true},
		{"in: bearer", "Basic u:p", "", false},
		{"in: bearer", "Bearer u:p ", "", false},
		{"in: basic", "basic dTpw", "", true},
		{"in: basic", "Basic dTpx", "", false},
		{"in: basic", "Basic dTpw\r\n", "", false},
		{"in: basic", "Basic", "", false},
		{"in: header", "u:p", "", true},
		{"in: header", "", "", false},
		{"in: query, name: code", "", "?code=u%3Ap", true},
		{"in: query, name: code", "", "?code=u%3Ap&code=u%3Ap", false},
		{"in: query, name: code", "", "?code=", false},
		{"in: query, name: code", "u:p", "", false},
	} {
		p := mustBuild(t, minimal("credential: {unsigned: true, "+c.credential+"}"), "u:p", noon)
		r := request(http.MethodPost, "/x"+c.query, map[string]string{"Authorization": c.header}, "{}")
		if err := p.Verify(r); (err == nil) != c.valid {
			t.Errorf("%s, %q %q: %v, want valid %t", c.credential, c.header, c.query, err, c.valid)
		}
		r = post()
		if err := p.(provider.Signer).Sign(&r); err != nil || p.Verify(r) != nil {
			t.Errorf("%s: what is signed is refused (%v)", c.credential, err)
		}
	}
}

func TestMTLS(t *testing.T) {
	leaf := certificate(t, "sender.example.com")
	sum := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	pin := base64.StdEncoding.EncodeToString(sum[:])
	other := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for _, c := range []struct {
		options string
		valid   bool
	}{
		{"{}", true}, {"{names: [Sender.example.com]}", true}, {"{names: [x.example.com]}", false},
		{"{pins: [" + other + ", " + pin + "]}", true}, {"{pins: [" + other + "]}", false},
		{"{names: [x.example.com], pins: [" + pin + "]}", false},
	} {
		p := mustBuild(t, minimal("all_of: [{hmac: {headers: [X]}}, {mtls: "+c.options+"}]"), "s", noon)
		r := post()
		if err := p.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		if p.Verify(r) == nil {
			t.Errorf("%s: accepted without TLS", c.options)
		}
		r.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
		if p.Verify(r) == nil {
			t.Errorf("%s: accepted with a certificate that nobody verified", c.options)
		}
		r.TLS.VerifiedChains = [][]*x509.Certificate{{leaf}}
		if err := p.Verify(r); (err == nil) != c.valid {
			t.Errorf("%s: %v, want valid %t", c.options, err, c.valid)
		}
	}
}

func certificate(t *testing.T, name string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{name}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

// What a sender may do with the time, per unit.
func TestTimeOfAnAttempt(t *testing.T) {
	for _, c := range []struct {
		unit, time string
		valid      bool
	}{
		{"s", "1772366400", true}, {"s", "1772366100", true}, {"s", "1772366099", false}, {"s", "1772366700", true},
		{"s", "1772366701", false}, {"s", "01772366400", true}, {"s", "+1772366400", false}, {"s", "1772366400.0", false},
		{"s", "1772366400000", false}, {"s", "", false}, {"s", "9999999999999999", false}, {"s", "0x69A4", false},
		{"ms", "1772366400000", true}, {"ms", "1772366700000", true}, {"ms", "1772366700001", false}, {"ms", "1772366400", false},
		{"rfc3339", "2026-03-01T12:05:00Z", true}, {"rfc3339", "2026-03-01T13:05:00.1+01:00", false}, {"rfc3339", "1772366400", false},
	} {
		p := mustBuild(t, minimal(`hmac: {headers: [X-Mac], time_header: X-Time, time_unit: `+c.unit+`, signed: "v0:{t}:{header:X-Id}:{body}"}`), "s", noon)
		r := post("X-Time", c.time, "X-Id", "7")
		loose := mustBuild(t, minimal(`hmac: {headers: [X-Mac], signed: "v0:{header:X-Time}:{header:X-Id}:{body}"}`), "s", noon)
		if err := loose.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Time", c.time)
		if err := p.Verify(r); (err == nil) != c.valid {
			t.Errorf("%s %q: %v, want valid %t", c.unit, c.time, err, c.valid)
		}
	}
}

func TestHTTPSignatureAsEntrustSigns(t *testing.T) {
	text := strings.Replace(minimal("http-signature: {exact: true, require_alg: true, require_created: true, keyid: k}"),
		"provider: generic\n", "provider: generic\n    public_url: https://hooks.example.com\n", 1)
	p := mustBuild(t, text, "s", noon)
	r := post("Content-Type", "application/json")
	if err := p.(provider.Signer).Sign(&r); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(r); err != nil {
		t.Fatal(err)
	}
	checkTampering(t, p, r)
	r.URL.Path = "/webhooks/other"
	if p.Verify(r) == nil {
		t.Error("another path is accepted")
	}
}

// Everything that Verify may say is fit for a log: nothing that came is repeated.
func TestErrorsRepeatNothing(t *testing.T) {
	const strange = "st4nge"
	for _, verify := range []string{
		"hmac: {headers: [X]}", "hmac: {headers: [X], form: prefixed}", `hmac: {headers: [X], form: kv, time_unit: s, signed: "{t}{body}"}`,
		"credential: {in: header, name: X, unsigned: true}", "credential: {in: bearer, name: X, unsigned: true}",
		"jwt: {in: body, algorithms: [HS256]}", "jwt: {in: header, header: X, algorithms: [HS256], body_hash: {claim: h, encoding: hex}}",
	} {
		p := mustBuild(t, minimal(verify), "s", noon)
		for _, value := range []string{strange, "sha256=" + strange, "t=" + strange + ",v1=" + strings.Repeat("0", 64), "Basic " + strange} {
			r := post("X", value)
			r.Body = []byte(value)
			if err := p.Verify(r); err == nil || strings.Contains(err.Error(), strange) {
				t.Errorf("%s, %s: got %v", verify, value, err)
			}
		}
	}
}
