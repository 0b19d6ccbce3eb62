package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/provider"
)

// The issuer is asked where its keys are: under the name of today, else under the older one, its path at the end.
func TestKeySetIsDiscovered(t *testing.T) {
	key := keyPair(t, "a", jose.ES256)
	text := signToken(t, key, "{}")
	for name, c := range map[string]struct {
		document, issuer string // path of the document, of the issuer
		says             func(base string) string
		found            bool
	}{
		"today": {"/.well-known/ssf-configuration/tenant1", "/tenant1", keysAt, true},
		"older": {"/.well-known/risc-configuration", "", keysAt, true},
		"slash": {"/.well-known/ssf-configuration", "/", func(base string) string {
			return `{"issuer":"` + base + `/","jwks_uri":"` + base + `/keys"}`
		}, true},
		"another issuer": {"/.well-known/ssf-configuration", "", func(base string) string {
			return `{"issuer":"https://example.com","jwks_uri":"` + base + `/keys"}`
		}, false},
		"no keys":      {"/.well-known/ssf-configuration", "", func(base string) string { return `{"issuer":"` + base + `"}` }, false},
		"keys by http": {"/.well-known/ssf-configuration", "", func(base string) string { return `{"issuer":"` + base + `","jwks_uri":"http://example.com/keys"}` }, false},
		"no JSON":      {"/.well-known/ssf-configuration", "", func(string) string { return "<html>" }, false},
	} {
		mux := http.NewServeMux()
		server := httptest.NewServer(mux)
		defer server.Close()
		mux.HandleFunc(c.document, func(w http.ResponseWriter, _ *http.Request) {
			base := server.URL
			if c.issuer != "/" {
				base += c.issuer
			}
			_, _ = w.Write([]byte(c.says(base)))
		})
		answer := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keySet(t, key)) }
		mux.HandleFunc("/keys", answer)
		mux.HandleFunc("/tenant1/keys", answer)
		set := newJWKS(t, provider.JWKSConfig{Issuer: server.URL + c.issuer})
		err := verifyToken(set, text, "ES256")
		if c.found && err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !c.found && !provider.IsUnavailable(err) {
			t.Errorf("%s: got %v, want unavailable", name, err)
		}
	}
}

func keysAt(base string) string { return `{"issuer":"` + base + `","jwks_uri":"` + base + `/keys"}` }

// An issuer that nobody can impersonate may not name keys that somebody on the way can replace, even on this machine.
func TestDiscoveryStaysWithTLS(t *testing.T) {
	key := keyPair(t, "a", jose.ES256)
	elsewhere := serveKeySet(t, keySet(t, key))
	var issuer *httptest.Server
	issuer = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"issuer":"` + issuer.URL + `","jwks_uri":"` + elsewhere.URL + `"}`))
	}))
	defer issuer.Close()
	trust := http.DefaultTransport.(*http.Transport)
	before := trust.TLSClientConfig
	trust.TLSClientConfig = issuer.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	defer func() { trust.TLSClientConfig = before }()
	set := newJWKS(t, provider.JWKSConfig{Issuer: issuer.URL, Now: time.Now})
	err := verifyToken(set, signToken(t, key, "{}"), "ES256")
	if !provider.IsUnavailable(err) || !strings.Contains(err.Error(), "jwks_uri: no https") {
		t.Errorf("got %v, want unavailable, as the keys are not behind https", err)
	}
	elsewhere.wantFetched(t, 0)
}
