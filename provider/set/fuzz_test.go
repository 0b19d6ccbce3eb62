package set_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/set"
	"github.com/forebayhq/forebay/schema"
)

func newProvider(t testing.TB) provider.Provider {
	t.Helper()
	p, err := set.New(provider.Config{Secrets: []string{testSecret}, Options: func(into any) error {
		o := into.(*set.Options)
		o.Issuer, o.Audience = testIssuer, []string{testAudience}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// FuzzVerify: no body but the signed token is accepted, and a refusal never quotes what was sent.
func FuzzVerify(f *testing.F) {
	p := newProvider(f)
	// Every worker signs these anew, and must come to the same token.
	claims := []byte(`{"iss":"` + testIssuer + `","aud":"` + testAudience + `","iat":1772366390,"jti":"1","events":{"urn:x":{}}}`)
	r := provider.Request{Header: http.Header{}, Body: claims}
	if err := p.(provider.Signer).Sign(&r); err != nil {
		f.Fatal(err)
	}
	genuine := string(r.Body)
	f.Add(genuine, claims)
	f.Add("eyJhbGciOiJub25lIn0.e30.", []byte(`{"iss":1}`))
	f.Add("a.b.c.d.e", []byte(`{"jti":"1","iat":1e999,"events":{"":{}}}`))
	f.Fuzz(func(t *testing.T, token string, claims []byte) {
		got := provider.Request{Header: http.Header{}, Body: []byte(token)}
		if p.Verify(got) == nil && strings.Trim(token, " \t\r\n") != genuine {
			t.Errorf("accepted: %q", token)
		}
		parts := strings.Split(genuine, ".")
		parts[1] = base64.RawURLEncoding.EncodeToString(claims)
		got.Body = []byte(strings.Join(parts, "."))
		if string(got.Body) != genuine && p.Verify(got) == nil {
			t.Errorf("accepted under another signature: %q", claims)
		}
		signed := provider.Request{Header: http.Header{}, Body: claims}
		if err := p.(provider.Signer).Sign(&signed); err != nil {
			t.Fatal(err)
		}
		if p.Verify(signed) == nil {
			if _, err := p.Decode(signed); err != nil {
				t.Errorf("verified and unreadable: %q: %v", claims, err)
			}
		}
	})
}

// FuzzDecode: an event of whatever claims can go on the wire, unless its ID is too long or its nesting too deep.
func FuzzDecode(f *testing.F) {
	p := newProvider(f)
	for _, n := range p.(provider.Sampler).Natives() {
		r, err := p.(provider.Sampler).Sample(n.Name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Body)
	}
	f.Add([]byte(`{"jti":"\ud800","iat":1e99,"sub_id":{"format":"aliases","identifiers":[{"format":"uri","uri":"\u0000"}]},"events":{"\ud800":{"reason":{"en":1}}}}`))
	f.Add([]byte(`{"jti":"1","iat":1,"events":{"https://schemas.openid.net/secevent/caep/event-type/token-claims-change":{"claims":{"address":{"country":5},"email_verified":"x","":null}}}}`))
	wire := schema.Wire{Prefix: "identity"}
	f.Fuzz(func(t *testing.T, claims []byte) {
		if len(claims) > 1000 { // long IDs and deep nesting are for the wire to refuse
			return
		}
		body := "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".e30"
		events, err := p.Decode(provider.Request{Header: http.Header{}, Body: []byte(body)})
		if err != nil {
			return
		}
		e := events[0]
		if len(events) != 1 || e.ID == "" || e.Native == "" || !e.Action.Valid() || e.JWS != body || !utf8.Valid(e.Payload) {
			t.Fatalf("got %+v", e)
		}
		e.Source, e.Provider, e.Received = "signals", "set", time.Unix(1772366400, 0)
		if err := e.Validate(); err != nil && len(e.ID) <= 512 && strings.Count(string(claims), "{")+strings.Count(string(claims), "[") < 100 {
			t.Errorf("not valid: %v", err)
		}
		if _, err := wire.Encode(e, ""); err != nil && e.Validate() == nil {
			t.Errorf("not on the wire: %v", err)
		}
	})
}
