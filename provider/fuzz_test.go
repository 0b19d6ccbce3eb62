package provider_test

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/provider"
)

// FuzzHTTPSignature: what was signed once proves that body, method and URL and no other, whatever else the headers say.
func FuzzHTTPSignature(f *testing.F) {
	const input = `wh=("@method" "content-digest" "@target-uri");created=1760000000;alg="hmac-sha256"`
	f.Add([]byte(`{}`), []byte(`{"a":1}`), "POST", "/in/x", "", input, "")
	f.Add([]byte(`{}`), []byte(`{}`), "PUT", "/in/x", "a=b", input, "wh=:AAAA:")
	f.Add([]byte(nil), []byte("\xff"), "POST", "/in/y", "%zz", `wh=("content-digest");alg="none"`, `wh=:`+strings.Repeat("A", 43)+`=:`)
	f.Add([]byte("x"), []byte("x"), "POST", "/in//x", "\n", `wh=(), other=("@method")`, `wh="text"`)
	f.Fuzz(func(t *testing.T, body, other []byte, method, path, query, input, signature string) {
		c := signatureConfig(t)
		c.Components = append(c.Components, "@target-uri")
		s := newSignature(t, c)
		signed := provider.Request{Method: "POST", URL: &url.URL{Path: "/in/x"}, Header: http.Header{}, Body: body}
		if err := s.Sign(&signed); err != nil {
			t.Fatal(err)
		}
		if err := s.Verify(signed); err != nil {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		r := signed
		r.Body = other
		if s.Verify(r) == nil && !bytes.Equal(body, other) {
			t.Errorf("another body is accepted: %q for %q", other, body)
		}
		r = signed
		r.Method, r.URL = method, &url.URL{Path: path, RawQuery: query}
		if s.Verify(r) == nil && (method != "POST" || path != "/in/x" || query != "") {
			t.Errorf("%s %s?%s is accepted", method, path, query)
		}
		r = signed
		r.Header = signed.Header.Clone()
		r.Header.Set("Signature", signature)
		if s.Verify(r) == nil && !strings.Contains(signature, signed.Header.Get("Signature")) {
			t.Errorf("the signature %q is accepted", signature)
		}
		r.Header = signed.Header.Clone()
		r.Header.Set("Signature-Input", input)
		if s.Verify(r) == nil && !strings.Contains(input, strings.TrimPrefix(signed.Header.Get("Signature-Input"), "wh=")) {
			t.Errorf("the input %q is accepted", input)
		}
	})
}

// FuzzToken: a token verifies by a shared secret or a key set only if it is the one that was signed, to the byte.
func FuzzToken(f *testing.F) {
	keys, err := provider.Config{Secrets: []string{"invented-secret-of-thirty-two-by"}}.HMACKeys()
	if err != nil {
		f.Fatal(err)
	}
	pair := keyPair(f, "k", jose.ES256)
	set := newJWKS(f, provider.JWKSConfig{Text: keySet(f, pair)})
	shared := signToken(f, jose.JSONWebKey{Key: []byte("invented-secret-of-thirty-two-by"), Algorithm: "HS256"}, `{"a":1}`)
	public := signToken(f, pair, `{"a":1}`)
	head, rest, _ := strings.Cut(shared, ".")
	for _, seed := range []string{
		shared, public, "", "..", "....", "eyJhbGciOiJub25lIn0.e30.", head + "." + rest + "=", head + "\n." + rest, public + ".",
		"eyJhbGciOiJIUzI1NiIsImtpZCI6ImsifQ.e30.AAAA", "eyJhbGciOiJFUzI1NiIsImNyaXQiOltdfQ.e30.AAAA",
		"eyJhbGciOiJIUzI1NiIsImFsZyI6Im5vbmUifQ.e30.AAAA",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		token, err := provider.ParseToken(text)
		if err != nil {
			return
		}
		every := append(provider.AsymmetricAlgorithms(), "HS256", "HS384", "HS512", "none", "")
		if token.VerifyHMAC(every, keys) == nil && text != shared {
			t.Errorf("%q is accepted by the shared secret", text)
		}
		if set.Verify(token, every) == nil && text != public {
			t.Errorf("%q is accepted by the key set", text)
		}
	})
}

// FuzzKeySet: no document that does not hold our key makes our token verify.
func FuzzKeySet(f *testing.F) {
	pair, stranger := keyPair(f, "k", jose.ES256), keyPair(f, "k", jose.ES256)
	text := signToken(f, pair, "{}")
	f.Add([]byte(`{"keys":[]}`))
	f.Add(keySet(f, stranger))
	f.Add([]byte(`{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"k","alg":"HS256"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","kid":"k","x":"AA","y":"AA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"k","n":"AQAB","e":"AQAB"},null,[],"x"]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		s, err := provider.NewJWKS(provider.JWKSConfig{Text: document, Now: time.Now})
		if err == nil && verifyToken(s, text, provider.AsymmetricAlgorithms()...) == nil {
			t.Errorf("verifies with %q", document)
		}
	})
}

// FuzzHexMAC: the digits of a MAC fit the message that it was made of, and no other digits do.
func FuzzHexMAC(f *testing.F) {
	keys, err := provider.Config{Secrets: []string{"one", "two"}}.HMACKeys()
	if err != nil {
		f.Fatal(err)
	}
	sum := keys[1].Sum([]byte("message"))
	right := hex.EncodeToString(sum[:])
	f.Add([]byte("message"), right)
	f.Add([]byte("message"), strings.ToUpper(right))
	f.Add([]byte("message"), right+"0")
	f.Add([]byte("message"), right[:62])
	f.Add([]byte("massage"), right)
	f.Add([]byte(""), " "+right[1:])
	f.Fuzz(func(t *testing.T, message []byte, digits string) {
		m, err := provider.HexMAC("sha256", digits)
		digest, errDigest := provider.HexSHA256(digits)
		if (err == nil) != (errDigest == nil) {
			t.Fatalf("HexMAC says %v, HexSHA256 %v", err, errDigest)
		}
		if err != nil {
			return
		}
		fits := slices.ContainsFunc(keys, func(k *provider.Key) bool {
			want := k.Sum(message)
			return strings.EqualFold(digits, hex.EncodeToString(want[:]))
		})
		if got := provider.FindMAC(keys, message, m) != nil; got != fits {
			t.Errorf("FindMAC of %q: got %v, want %v", digits, got, fits)
		}
		if got := provider.FindKey(keys, message, digest) != nil; got != fits {
			t.Errorf("FindKey of %q: got %v, want %v", digits, got, fits)
		}
	})
}

// FuzzFindSecret: a credential is one of the secrets, to the byte.
func FuzzFindSecret(f *testing.F) {
	f.Add("one", "two", "one")
	f.Add("one", "two", "onetwo")
	f.Add("", "\x00", "\x00\x00")
	f.Fuzz(func(t *testing.T, a, b, got string) {
		secrets := []string{a, b}
		if provider.FindSecret(secrets, got) != slices.Contains(secrets, got) {
			t.Errorf("%q among %q", got, secrets)
		}
	})
}
