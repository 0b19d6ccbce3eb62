package schema

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// keys makes a key pair and its sealer.
func keys(t testing.TB) (private []byte, sealer *Sealer) {
	t.Helper()
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if sealer, err = NewSealer(public); err != nil {
		t.Fatal(err)
	}
	return private, sealer
}

var sealedValue = regexp.MustCompile(`\{"sealed":"([A-Za-z0-9_.-]+)"\}`)

var sealedToken = regexp.MustCompile(`"jws":"ey[A-Za-z0-9_-]*(\.[A-Za-z0-9_-]*){4}"`)

// openAll opens every sealed value of a body, in order.
func openAll(t testing.TB, private, body []byte) (plain []string) {
	t.Helper()
	for _, m := range sealedValue.FindAllSubmatch(body, -1) {
		p, err := OpenSealed(private, string(m[1]))
		if err != nil {
			t.Fatal(err)
		}
		plain = append(plain, string(p))
	}
	return plain
}

// protected is the protected header of a compact JWE.
func protected(t testing.TB, compact string) (h map[string]any) {
	t.Helper()
	head, _, _ := strings.Cut(compact, ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

func TestSealAndOpen(t *testing.T) {
	for _, curve := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		private, err := json.Marshal(jose.JSONWebKey{Key: key, KeyID: "mine"})
		if err != nil {
			t.Fatal(err)
		}
		sealer, err := NewSealer(private) // of a private key the public part is used
		if err != nil {
			t.Fatal(err)
		}
		compact, err := sealer.Seal([]byte("c0rrect horse"))
		if err != nil {
			t.Fatal(err)
		}
		if h := protected(t, compact); h["alg"] != "ECDH-ES" || h["enc"] != "A256GCM" || h["kid"] != "mine" || h["cty"] != nil {
			t.Errorf("%s: header %v", curve.Params().Name, h)
		}
		if got, err := OpenSealed(private, compact); err != nil || string(got) != "c0rrect horse" {
			t.Errorf("%s: got %q, %v", curve.Params().Name, got, err)
		}
	}
}

func TestGenerateKey(t *testing.T) {
	private, public, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(public, &key); err != nil {
		t.Fatal(err)
	}
	if want, _ := thumbprint(key); !key.IsPublic() || key.KeyID != want || bytes.Contains(public, []byte(`"d"`)) {
		t.Errorf("public: %s, want kid %s", public, want)
	}
	if !bytes.Contains(private, []byte(`"d"`)) {
		t.Error("the private key holds no private part")
	}
}

func TestOpenSealedRefuses(t *testing.T) {
	private, sealer := keys(t)
	other, _ := keys(t)
	compact, err := sealer.Seal([]byte("hush"))
	if err != nil {
		t.Fatal(err)
	}
	var key jose.JSONWebKey
	if err := json.Unmarshal(private, &key); err != nil {
		t.Fatal(err)
	}
	public, err := key.Public().MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	last := strings.LastIndexByte(compact, '.') + 1
	tampered := compact[:last] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, compact[last:])
	for name, c := range map[string]struct {
		key     []byte
		compact string
		want    string
	}{
		"another key": {other, compact, "sealed to key"},
		"public key":  {public, compact, "public"},
		"no key":      {nil, compact, "not JSON"},
		"tampered":    {private, tampered, "decrypt"},
		"not a JWE":   {private, "hush", "not a compact JWE"},
		"empty":       {private, "", "not a compact JWE"},
	} {
		plain, err := OpenSealed(c.key, c.compact)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %q, %v", name, plain, err)
		}
	}
}

func TestNewSealerRefuses(t *testing.T) {
	for name, c := range map[string]struct{ jwk, want string }{
		"nothing":         {"", "not JSON"},
		"PEM":             {"-----BEGIN PUBLIC KEY-----", "not JSON"},
		"set":             {`{"keys":[]}`, "not a JWK"},
		"symmetric":       {`{"kty":"oct","k":"aHVzaA"}`, "not an elliptic curve key"},
		"Ed25519":         {`{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}`, "not an elliptic curve key"},
		"off the curve":   {`{"kty":"EC","crv":"P-256","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE","y":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"}`, "JWK"},
		"for signatures":  {`{"use":"sig","kty":"EC","crv":"P-256","x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4","y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM"}`, `"sig"`},
		"unknown curve":   {`{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}`, "not a JWK"},
		"JSON, but array": {`[]`, "not a JWK"},
	} {
		if _, err := NewSealer([]byte(c.jwk)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}

func TestSealerServesSeveralGoroutines(t *testing.T) {
	private, sealer := keys(t)
	results := make(chan error)
	for range 4 {
		go func() {
			compact, err := sealer.Seal([]byte("x"))
			if err == nil {
				_, err = OpenSealed(private, compact)
			}
			results <- err
		}()
	}
	for range 4 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
}
