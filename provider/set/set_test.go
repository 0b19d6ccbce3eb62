package set_test

import (
	_ "embed"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/set"
)

//go:embed schema.json
var claimsSchema []byte

const (
	testSecret   = "forebay-example-secret-of-32-bytes-or-more"
	testIssuer   = "https://transmitter.example.com/tenant1"
	testAudience = "https://hooks.example.com/webhooks/signals"
)

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New: set.New, Schema: claimsSchema, Claims: claimsOf, WithClaims: withClaims,
		Config: "secrets: [" + testSecret + "]\npath: /webhooks/signals\n" +
			"options: {issuer: \"" + testIssuer + "\", audience: [\"" + testAudience + "\"]}",
		Tamper: tamper,
	})
}

// claimsOf takes the claims out of a token. A sample that is not signed yet is its claims.
func claimsOf(body []byte) []byte {
	parts := strings.Split(strings.TrimSpace(string(body)), ".")
	if len(parts) != 3 {
		return body
	}
	claims, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil
	}
	return claims
}

// withClaims puts others under the signature of the token.
func withClaims(body, claims []byte) []byte {
	parts := strings.Split(strings.TrimSpace(string(body)), ".")
	parts[1] = base64.RawURLEncoding.EncodeToString(claims)
	return []byte(strings.Join(parts, "."))
}

func tamper(r provider.Request) map[string]provider.Request {
	parts := strings.Split(strings.TrimSpace(string(r.Body)), ".")
	with := func(body string) provider.Request {
		changed := r
		changed.Body = []byte(body)
		return changed
	}
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"typ":"secevent+jwt","alg":"none"}`))
	return map[string]provider.Request{
		"unsigned":       with(none + "." + parts[1] + "."),
		"no signature":   with(parts[0] + "." + parts[1] + "."),
		"padded":         with(string(r.Body) + "="),
		"another header": with(none + "." + parts[1] + "." + parts[2]),
		"line break":     with(parts[0] + ".\n" + parts[1] + "." + parts[2]),
		"a part more":    with(string(r.Body) + ".e30"),
	}
}
