package generic_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/generic"
)

// An issuer signs tokens with a key that was made for the test.
type issuer struct {
	signer jose.Signer
	keys   []byte // its key set
}

func newIssuer(t testing.TB) issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private := jose.JSONWebKey{Key: key, KeyID: "k1", Algorithm: "ES256", Use: "sig"}
	o := (&jose.SignerOptions{}).WithType("event+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: private}, o)
	if err != nil {
		t.Fatal(err)
	}
	public, err := private.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	return issuer{signer, fmt.Appendf(nil, `{"keys":[%s]}`, public)}
}

func (i issuer) sign(t testing.TB, claims string) string {
	t.Helper()
	signed, err := i.signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// source is a source whose deliveries are tokens of the issuer.
func (i issuer) source(t testing.TB, options string) string {
	t.Helper()
	text := minimal("jwt: {jwks_url: x, algorithms: [ES256]" + options + "}")
	return serveKeys(t, strings.Replace(text, "    secrets: [\"${SECRET}\"]\n", "", 1), i.keys)
}

func TestClaims(t *testing.T) {
	i := newIssuer(t)
	now := noon.Unix()
	for _, c := range []struct {
		options, claims string
		valid           bool
	}{
		{"", `{}`, true},
		{"", `[]`, false},
		{"", `{"exp":NOW+1}`, true}, {"", `{"exp":NOW}`, false}, {"", `{"exp":"NOW+1"}`, false}, {"", `{"exp":null}`, false},
		{"leeway: 1s", `{"exp":NOW}`, true}, {"leeway: 1s", `{"exp":NOW-1}`, false},
		{"exp: require", `{}`, false}, {"exp: require", `{"exp":NOW+1}`, true}, {"exp: forbid", `{"exp":NOW+1}`, false},
		{"exp: forbid", `{}`, true}, {"exp: ignore", `{"exp":1}`, true},
		{"", `{"nbf":NOW}`, true}, {"", `{"nbf":NOW+1}`, false}, {"leeway: 1s", `{"nbf":NOW+1}`, true},
		{"", `{"iat":NOW+300}`, true}, {"", `{"iat":NOW+301}`, false}, {"", `{"iat":1}`, true},
		{"max_age: 1s", `{"iat":NOW-1}`, true}, {"max_age: 1s", `{"iat":1}`, false}, {"max_age: 1s", `{}`, false},
		{"issuer: \"https://a.example\"", `{"iss":"https://a.example"}`, true},
		{"issuer: \"https://a.example\"", `{"iss":"https://a.example/"}`, false}, {"issuer: \"https://a.example\"", `{}`, false},
		{"audience: [a, b]", `{"aud":"b"}`, true}, {"audience: [a, b]", `{"aud":["x","a"]}`, true},
		{"audience: [a, b]", `{"aud":{"x":"a"}}`, false}, {"audience: [a, b]", `{"aud":[]}`, false}, {"audience: [a, b]", `{}`, false},
		{"typ: application/Event+jwt", `{}`, true}, {"typ: JWT", `{}`, false},
	} {
		options := ", in: body"
		if c.options != "" {
			options += ", " + c.options
		}
		p := mustBuild(t, i.source(t, options), "", noon)
		claims := strings.NewReplacer(
			"NOW+301", strconv.FormatInt(now+301, 10), "NOW+300", strconv.FormatInt(now+300, 10),
			"NOW+1", strconv.FormatInt(now+1, 10), "NOW-1", strconv.FormatInt(now-1, 10), "NOW", strconv.FormatInt(now, 10),
		).Replace(c.claims)
		r := post()
		r.Body = []byte(" " + i.sign(t, claims) + "\r\n")
		if err := p.Verify(r); (err == nil) != c.valid {
			t.Errorf("%s, %s: %v, want valid %t", c.options, claims, err, c.valid)
		}
	}
}

// A token in a member of the body, whose claims hold the event further in: as Hanko sends.
func TestTokenInMember(t *testing.T) {
	i := newIssuer(t)
	text := strings.Replace(i.source(t, ", in: member, member: /token, claims: /data"), "type: /type", "type: /type\n      id: /id", 1)
	p := mustBuild(t, text, "", noon)
	token := i.sign(t, `{"type":"outside","data":{"type":"user.login","id":"7"}}`)
	r := post()
	r.Body = []byte(`{"event":"user.delete","type":"user.delete","token":"` + token + `"}`)
	if err := p.Verify(r); err != nil {
		t.Fatal(err)
	}
	events, err := p.Decode(r)
	if err != nil {
		t.Fatal(err)
	}
	if e := events[0]; e.Native != "user.login" || e.ID != "7" || e.JWS != token || string(e.Payload) != `{"type":"user.login","id":"7"}` {
		t.Errorf("got %+v", e)
	}
	// What the claims say beside the payload nobody has looked at.
	if body := sealed(t, events[0]); strings.Contains(body, token) || !strings.Contains(body, `"jws":"ey`) {
		t.Errorf("the token is in clear: %s", body)
	}
	crowd := `{"a":[1` + strings.Repeat(",1", 10000) + `],"token":"` + token + `"}`
	for _, body := range []string{crowd, `{"event":"x"}`, `{"token":7}`, `{"token":"a.b.c"}`, token, `{"token":"` + token + `x"}`} {
		r.Body = []byte(body)
		if p.Verify(r) == nil {
			t.Errorf("accepted: %.80s", body)
		}
	}
}

// Of several events in one token each would show the secrets of the others.
func TestBatchInAToken(t *testing.T) {
	i := newIssuer(t)
	text := strings.Replace(i.source(t, ", in: body"), "type: /type", "type: /type\n      events: /events", 1)
	r := post()
	r.Body = []byte(i.sign(t, `{"events":[{"type":"a","password":"pa55"},{"type":"b"}]}`))
	events, err := mustBuild(t, text, "", noon).Decode(r)
	if err != nil || len(events) != 2 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for _, e := range events {
		if body := sealed(t, e); e.JWS != "" || strings.Contains(body, "pa55") {
			t.Errorf("%s: the token %q, the body %s", e.Native, e.JWS, body)
		}
	}
}

func TestKeysThatCannotBeFetched(t *testing.T) {
	i := newIssuer(t)
	p := mustBuild(t, minimalWithoutSecret("jwt: {in: body, jwks_url: \"http://127.0.0.1:1/\", algorithms: [ES256]}"), "", noon)
	r := post()
	r.Body = []byte(i.sign(t, `{"type":"x"}`))
	if err := p.Verify(r); !provider.IsUnavailable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
	if err := p.Verify(post()); err == nil || provider.IsUnavailable(err) {
		t.Errorf("no token at all: got %v, want a refusal", err)
	}
	// What refuses for good counts more, and what accepts counts most.
	both := minimal("all_of: [{jwt: {in: body, jwks_url: \"http://127.0.0.1:1/\", algorithms: [ES256]}}, {credential: {in: bearer}}]")
	if err := mustBuild(t, both, "s", noon).Verify(r); err == nil || provider.IsUnavailable(err) {
		t.Errorf("got %v, want a refusal", err)
	}
	r.Header = http.Header{"Authorization": {"Bearer s"}}
	if err := mustBuild(t, both, "s", noon).Verify(r); !provider.IsUnavailable(err) {
		t.Errorf("got %v, want unavailable", err)
	}
}

func minimalWithoutSecret(verify string) string {
	return strings.Replace(minimal(verify), "    secrets: [\"${SECRET}\"]\n", "", 1)
}

// A key file stands beside the configuration that names it.
func TestKeysFromAFile(t *testing.T) {
	i := newIssuer(t)
	folder := t.TempDir()
	text := minimalWithoutSecret("jwt: {in: body, jwks_file: keys.json, algorithms: [ES256]}")
	for name, content := range map[string]string{"keys.json": string(i.keys), "forebay.yaml": text} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := config.Load(filepath.Join(folder, "forebay.yaml"), config.Options{Getenv: os.Getenv, Providers: []string{"generic"}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := generic.New(c.Sources[0].Config(func() time.Time { return noon }))
	if err != nil {
		t.Fatal(err)
	}
	r := post()
	r.Body = []byte(i.sign(t, `{"type":"x"}`))
	if err := p.Verify(r); err != nil {
		t.Error(err)
	}
	checkTampering(t, p, r)
}
