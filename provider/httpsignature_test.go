package provider_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
)

func signatureConfig(t *testing.T) provider.HTTPSignatureConfig {
	t.Helper()
	keys, err := provider.Config{Secrets: []string{"test-secret"}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	return provider.HTTPSignatureConfig{
		Keys: keys, Label: "wh", Components: []string{"@method", "content-digest"},
		PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
		Now:       func() time.Time { return time.Unix(1760000000, 999) },
	}
}

func newSignature(t *testing.T, c provider.HTTPSignatureConfig) *provider.HTTPSignature {
	t.Helper()
	s, err := provider.NewHTTPSignature(c)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func signedBy(t *testing.T, c provider.HTTPSignatureConfig) provider.Request {
	t.Helper()
	r := provider.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/in/x"}, Body: []byte(`{}`),
		Header: http.Header{"Content-Type": {"application/json"}},
	}
	if err := newSignature(t, c).Sign(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestHTTPSignatureSigns(t *testing.T) {
	c := signatureConfig(t)
	c.KeyID = "k-1"
	h := signedBy(t, c).Header
	const input = `wh=("@method" "content-digest");created=1760000000;keyid="k-1";alg="hmac-sha256"`
	const digest = "sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:"
	if h.Get("Signature-Input") != input || h.Get("Content-Digest") != digest {
		t.Errorf("got %s\nand %s", h.Get("Signature-Input"), h.Get("Content-Digest"))
	}
	c.Components = append(c.Components, "x-absent")
	if err := newSignature(t, c).Sign(&provider.Request{URL: &url.URL{}}); err == nil {
		t.Error("a header that is not there is signed")
	}
}

// What must be covered is the least, unless Exact says that it is all.
func TestHTTPSignatureCoverage(t *testing.T) {
	least := signatureConfig(t)
	more := least
	more.Components = []string{"content-type", "content-digest", "@target-uri", "@method"}
	exact := least
	exact.Exact = true
	for _, c := range []struct {
		name             string
		signer, verifier provider.HTTPSignatureConfig
		valid            bool
	}{
		{"the same", least, least, true},
		{"more than the least", more, least, true},
		{"less than must be", least, more, false},
		{"exactly", least, exact, true},
		{"more than exactly", more, exact, false},
	} {
		r := signedBy(t, c.signer)
		if err := newSignature(t, c.verifier).Verify(r); (err == nil) != c.valid {
			t.Errorf("%s: %v, want valid %t", c.name, err, c.valid)
		}
	}
	r := signedBy(t, more)
	r.Header.Set("Content-Type", "text/plain")
	if newSignature(t, least).Verify(r) == nil {
		t.Error("a header that is covered, though it need not be, was changed")
	}
}

func TestHTTPSignatureTolerance(t *testing.T) {
	for _, c := range []struct {
		tolerance time.Duration
		late      int64 // seconds
		valid     bool
	}{
		{300 * time.Second, 300, true}, {300 * time.Second, 301, false},
		{300 * time.Second, -300, true}, {300 * time.Second, -301, false},
		{0, 1 << 40, true},
	} {
		config := signatureConfig(t)
		r := signedBy(t, config)
		config.Tolerance = c.tolerance
		config.Now = func() time.Time { return time.Unix(1760000000+c.late, 500) }
		if err := newSignature(t, config).Verify(r); (err == nil) != c.valid {
			t.Errorf("%d s late, tolerance %v: %v, want valid %t", c.late, c.tolerance, err, c.valid)
		}
	}
}

func TestHTTPSignatureRefusesConfigurations(t *testing.T) {
	for want, edit := range map[string]func(*provider.HTTPSignatureConfig){
		"keys":                           func(c *provider.HTTPSignatureConfig) { c.Keys = nil },
		"label":                          func(c *provider.HTTPSignatureConfig) { c.Label = "" },
		"label: not one in lower case":   func(c *provider.HTTPSignatureConfig) { c.Label = "Sig" },
		"tolerance":                      func(c *provider.HTTPSignatureConfig) { c.Tolerance = -1 },
		"public_url: missing":            func(c *provider.HTTPSignatureConfig) { c.PublicURL = nil },
		"public_url: not":                func(c *provider.HTTPSignatureConfig) { c.PublicURL = &url.URL{Path: "/x"} },
		"without content-digest":         func(c *provider.HTTPSignatureConfig) { c.Components = []string{"@method"} },
		"components: @status":            withComponent("@status"),
		"components: one is not":         withComponent("Content-Type"),
		"components: one is there twice": withComponent("@method"),
		"components: one is not a name":  withComponent(""),
	} {
		c := signatureConfig(t)
		edit(&c)
		s, err := provider.NewHTTPSignature(c)
		if err == nil || s != nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
}

func withComponent(name string) func(*provider.HTTPSignatureConfig) {
	return func(c *provider.HTTPSignatureConfig) { c.Components = append(c.Components, name) }
}
