package provider_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/provider"
)

// keyPair makes a private key as a JWK.
func keyPair(t testing.TB, kid string, alg jose.SignatureAlgorithm) jose.JSONWebKey {
	t.Helper()
	var key crypto.PrivateKey
	var err error
	switch alg {
	case jose.ES256:
		key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case jose.ES384:
		key, err = ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	case jose.EdDSA:
		_, key, err = ed25519.GenerateKey(rand.Reader)
	default:
		key, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	return jose.JSONWebKey{Key: key, KeyID: kid, Algorithm: string(alg), Use: "sig"}
}

// keySet is the public keys as JSON.
func keySet(t testing.TB, keys ...jose.JSONWebKey) []byte {
	t.Helper()
	var texts []string
	for _, key := range keys {
		text, err := key.Public().MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	return []byte(`{"keys":[{"kty":"unknown"},` + strings.Join(texts, ",") + `]}`)
}

func signToken(t testing.TB, key jose.JSONWebKey, claims string) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte(claims))
	if err != nil {
		t.Fatal(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func verifyToken(s *provider.JWKS, text string, algorithms ...string) error {
	token, err := provider.ParseToken(text)
	if err != nil {
		return err
	}
	return s.Verify(token, algorithms)
}

func newJWKS(t testing.TB, c provider.JWKSConfig) *provider.JWKS {
	t.Helper()
	s, err := provider.NewJWKS(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTokenAlgorithms(t *testing.T) {
	for _, alg := range []jose.SignatureAlgorithm{
		jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.EdDSA,
	} {
		key, stranger := keyPair(t, "k", alg), keyPair(t, "k", alg)
		s := newJWKS(t, provider.JWKSConfig{Text: keySet(t, key)})
		text := signToken(t, key, `{"a":1}`)
		if err := verifyToken(s, text, string(alg)); err != nil {
			t.Errorf("%s: %v", alg, err)
		}
		if verifyToken(s, text, "none") == nil {
			t.Errorf("%s is accepted, and is not in the list", alg)
		}
		if verifyToken(s, signToken(t, stranger, `{"a":1}`), string(alg)) == nil {
			t.Errorf("%s: a stranger's key with our kid is accepted", alg)
		}
		refuseEveryEdit(t, s, text, string(alg))
	}
}

// refuseEveryEdit changes each character of a token in turn.
func refuseEveryEdit(t *testing.T, s *provider.JWKS, text, alg string) {
	t.Helper()
	for i := range len(text) {
		for _, c := range []byte{'A', 'B', '.', '=', ' '} {
			edited := text[:i] + string(c) + text[i+1:]
			if edited != text && verifyToken(s, edited, alg) == nil {
				t.Fatalf("%s: accepted with %q at %d of %d", alg, c, i, len(text))
			}
		}
	}
}

func TestTokenKeysAreChosenByKid(t *testing.T) {
	a, b, other := keyPair(t, "a", jose.ES256), keyPair(t, "b", jose.ES256), keyPair(t, "c", jose.EdDSA)
	s := newJWKS(t, provider.JWKSConfig{Text: keySet(t, a, b, other)})
	for name, c := range map[string]struct {
		key   jose.JSONWebKey
		kid   string
		valid bool
	}{
		"its kid": {a, "a", true}, "another kid": {a, "b", false}, "unknown kid": {a, "x", false},
		"no kid, two keys fit": {a, "", false}, "no kid, one key fits": {other, "", true}, "kid of another type": {a, "c", false},
	} {
		key := c.key
		key.KeyID = c.kid
		if err := verifyToken(s, signToken(t, key, "{}"), "ES256", "EdDSA"); (err == nil) != c.valid {
			t.Errorf("%s: %v, want valid %t", name, err, c.valid)
		}
	}
}

func TestTokenConfusion(t *testing.T) {
	key := keyPair(t, "k", jose.RS256)
	set := keySet(t, key)
	s := newJWKS(t, provider.JWKSConfig{Text: set})
	part := base64.RawURLEncoding.EncodeToString
	shared := jose.JSONWebKey{Key: set, KeyID: "k", Algorithm: "HS256"}
	own := keyPair(t, "", jose.RS256)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.RS256, Key: own.Key}, &jose.SignerOptions{EmbedJWK: true})
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign([]byte("{}"))
	if err != nil {
		t.Fatal(err)
	}
	embedded, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"none":                     part([]byte(`{"alg":"none"}`)) + "." + part([]byte("{}")) + ".",
		"nOnE":                     part([]byte(`{"alg":"nOnE","kid":"k"}`)) + "." + part([]byte("{}")) + ".",
		"public key as the secret": signToken(t, shared, "{}"),
		"key in the header":        embedded,
		"crit":                     part([]byte(`{"alg":"RS256","crit":["b64"],"b64":false}`)) + "." + part([]byte("{}")) + ".AAAA",
		"encrypted":                "a.b.c.d.e",
		"two parts":                "e30.e30",
		"no object":                part([]byte(`"x"`)) + ".e30.e30",
		"nothing":                  "",
	} {
		if verifyToken(s, text, "RS256", "none", "nOnE", "HS256") == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// A header is read before anything is verified.
func TestTokenHeaderIsBounded(t *testing.T) {
	for certificates, want := range map[int]bool{997: true, 998: false} { // beside the object, alg and x5c
		header := `{"alg":"RS256","x5c":[""` + strings.Repeat(`,""`, certificates-1) + `]}`
		_, err := provider.ParseToken(base64.RawURLEncoding.EncodeToString([]byte(header)) + ".e30.AAAA")
		if (err == nil) != want {
			t.Errorf("%d certificates: %v", certificates, err)
		}
	}
}

func TestTokenHMAC(t *testing.T) {
	keys, err := provider.Config{Secrets: []string{"old", "a secret of more than thirty-two bytes"}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	text := signToken(t, jose.JSONWebKey{Key: []byte("a secret of more than thirty-two bytes"), Algorithm: "HS256"}, "{}")
	token, err := provider.ParseToken(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.VerifyHMAC([]string{"HS256"}, keys); err != nil {
		t.Error(err)
	}
	if token.VerifyHMAC([]string{"HS512", "RS256"}, keys) == nil {
		t.Error("an algorithm that is not in the list is accepted")
	}
	if token.VerifyHMAC([]string{"HS256"}, keys[:1]) == nil || token.VerifyHMAC([]string{"HS256"}, nil) == nil {
		t.Error("accepted without the secret")
	}
}

func TestKeySetsThatAreRefused(t *testing.T) {
	short := jose.JSONWebKey{Key: shortRSA(t), KeyID: "k"}
	encryption := keyPair(t, "k", jose.ES256)
	encryption.Use = "enc"
	for name, text := range map[string]string{
		"nothing": " ", "no JSON": "x", "no keys": `{"keys":[]}`, "a list": `[]`,
		"a shared secret": `{"keys":[{"kty":"oct","k":"AAAA"}]}`,
		"a short key":     string(keySet(t, short)),
		"for encryption":  string(keySet(t, encryption)),
	} {
		if _, err := provider.NewJWKS(provider.JWKSConfig{Text: []byte(text)}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for _, u := range []string{"", "keys.example.com", "http://keys.example.com", "ftp://keys.example.com", "https://", "https://u:p@keys.example.com"} {
		if _, err := provider.NewJWKS(provider.JWKSConfig{URL: u}); err == nil {
			t.Errorf("%q: no error", u)
		}
	}
	for _, u := range []string{"https://keys.example.com", "http://127.0.0.1:1", "http://[::1]:1", "http://localhost/keys"} {
		if _, err := provider.NewJWKS(provider.JWKSConfig{URL: u}); err != nil {
			t.Errorf("%q: %v", u, err)
		}
	}
	if _, err := provider.NewJWKS(provider.JWKSConfig{URL: "http://keys.example.com", InsecureHTTP: true}); err != nil {
		t.Error(err)
	}
}

// shortRSA is a public key of 1024 bits, which crypto/rsa no longer makes.
func shortRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	t.Setenv("GODEBUG", "rsa1024min=0")
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func ExampleParseToken() {
	token, err := provider.ParseToken("eyJhbGciOiJFUzI1NiIsImtpZCI6ImsifQ.e30.AAAA")
	fmt.Println(token.Algorithm, token.KeyID, string(token.Payload), err)
	// Output: ES256 k {} <nil>
}

// A header parameter that says nothing is not as good as one that is absent: without a kid the only key of a set counts.
func TestHeaderThatSaysNothing(t *testing.T) {
	part := base64.RawURLEncoding.EncodeToString
	for header, want := range map[string]string{
		`{"alg":"ES256"}`: " ", `{"alg":"ES256","kid":"a","typ":"x"}`: "a x",
		`{"alg":"ES256","kid":"","typ":""}`: `"" ""`, `{"alg":"ES256","kid":5,"typ":null}`: "5 null",
	} {
		token, err := provider.ParseToken(part([]byte(header)) + ".e30.AA")
		if got := token.KeyID + " " + token.Type; err != nil || got != want {
			t.Errorf("%s: got %s, %v; want %s", header, got, err, want)
		}
	}
}
