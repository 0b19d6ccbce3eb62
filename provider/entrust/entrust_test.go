package entrust_test

import (
	_ "embed"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/providertest"
)

//go:embed schema.json
var bodySchema []byte

const token = "entrust-idaas-webhook-token-for-tests-01"

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New:    entrust.New,
		Schema: bodySchema,
		Config: "secrets: [" + token + "]\npath: /webhooks/staff\npublic_url: https://hooks.example.com",
		Tamper: tamperHeaders,
	})
}

// tamperHeaders changes what is inside the headers of the signature.
func tamperHeaders(r provider.Request) map[string]provider.Request {
	input, signature := r.Header.Get("Signature-Input"), r.Header.Get("Signature")
	with := func(name, value string) provider.Request {
		r := r
		r.Header = maps.Clone(r.Header)
		r.Header[http.CanonicalHeaderKey(name)] = []string{value}
		return r
	}
	changed := func(from, to string) provider.Request {
		return with("Signature-Input", strings.Replace(input, from, to, 1))
	}
	return map[string]provider.Request{
		"digest not covered":   changed(` "content-digest"`, ""),
		"method not covered":   changed(`"@method" `, ""),
		"more covered":         changed(`"content-digest"`, `"content-digest" "content-type"`),
		"components swapped":   changed(`"@method" "@target-uri"`, `"@target-uri" "@method"`),
		"component twice":      changed(`"@method"`, `"@method" "@method"`),
		"component parameters": changed(`"content-digest"`, `"content-digest";bs`),
		"alg is a token":       changed(`alg="hmac-sha256"`, `alg=hmac-sha256`),
		"alg removed":          changed(`;alg="hmac-sha256"`, ""),
		"further parameter":    with("Signature-Input", input+";further"),
		"expires added":        with("Signature-Input", input+";expires=99999999999"),
		"signature is a text":  with("Signature", strings.ReplaceAll(signature, ":", `"`)),
		"signature is longer":  with("Signature", "sig=:"+strings.Repeat("A", 44)+":"),
		"other label alone":    with("Signature", strings.Replace(signature, "sig=", "sig1=", 1)),
		"digest of md5 alone":  with("Content-Digest", "md5=:1B2M2Y8AsgTpgAmY7PhCfg==:"),
		"another label":        with("Signature", "x=:AAAA:, "+signature),
		"blanks":               changed("(", "(  "),
	}
}

func TestTokenEncodings(t *testing.T) {
	r := signed(t, entrust.Options{TokenEncoding: "text"}, token)
	for encoding, secret := range map[string]string{
		"text":   token,
		"base64": base64.StdEncoding.EncodeToString([]byte(token)),
		"hex":    hex.EncodeToString([]byte(token)),
	} {
		if err := verify(t, entrust.Options{TokenEncoding: encoding}, secret, r); err != nil {
			t.Errorf("%s: %v", encoding, err)
		}
	}
	unpadded := base64.RawStdEncoding.EncodeToString([]byte(token))
	if err := verify(t, entrust.Options{TokenEncoding: "base64"}, unpadded, r); err != nil {
		t.Errorf("base64 without padding: %v", err)
	}
	if verify(t, entrust.Options{TokenEncoding: "text"}, unpadded, r) == nil {
		t.Error("the text of a token counts as its bytes")
	}
}

func TestKeyID(t *testing.T) {
	for _, c := range []struct {
		signer, verifier string
		valid            bool
	}{{"wh-1", "", true}, {"wh-1", "wh-1", true}, {"wh-2", "wh-1", false}, {"", "wh-1", false}} {
		r := signed(t, entrust.Options{TokenEncoding: "text", KeyID: c.signer}, token)
		err := verify(t, entrust.Options{TokenEncoding: "text", KeyID: c.verifier}, token, r)
		if (err == nil) != c.valid {
			t.Errorf("signed with %q, wanted %q: %v", c.signer, c.verifier, err)
		}
	}
}

// Each documented action has its description in schema.json, and no other one has.
func TestSchemaDescribesEveryNative(t *testing.T) {
	var file struct {
		AllOf []struct {
			If struct {
				Properties struct{ Type struct{ Const string } }
			}
			Then struct{ Description string }
		}
	}
	if err := json.Unmarshal(bodySchema, &file); err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, s := range file.AllOf {
		if s.Then.Description != "" {
			got = append(got, s.If.Properties.Type.Const)
		}
	}
	for _, n := range build(t, entrust.Options{TokenEncoding: "text"}, token).(provider.Sampler).Natives() {
		want = append(want, n.Name)
	}
	if !slices.Equal(got, want) || len(want) != 16 {
		t.Errorf("schema.json describes\n%q, Natives gives\n%q", got, want)
	}
}

func build(t *testing.T, o entrust.Options, secret string) provider.Provider {
	t.Helper()
	p, err := entrust.New(provider.Config{
		Secrets: []string{secret}, PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
		Options: func(into any) error { *into.(*entrust.Options) = o; return nil },
		Now:     func() time.Time { return time.Unix(1760000000, 0) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func signed(t *testing.T, o entrust.Options, secret string) provider.Request {
	t.Helper()
	r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/webhooks/staff"}, Body: []byte(`{"type":"x"}`)}
	if err := build(t, o, secret).(provider.Signer).Sign(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func verify(t *testing.T, o entrust.Options, secret string, r provider.Request) error {
	t.Helper()
	return build(t, o, secret).Verify(r)
}
