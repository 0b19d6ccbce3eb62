package set_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/set"
)

// A vector is a case of testdata/set.json. That its answer is right too is held over HTTP, by the tests of ingress.
type vector struct {
	Name, Secret, Body string

	Headers map[string]string
	Config  json.RawMessage
	Valid   bool
	Expect  struct{ ID, Type string }
}

func TestVectors(t *testing.T) {
	var file struct{ Config json.RawMessage }
	providertest.Read(t, "set.json", &file)
	for _, v := range providertest.Vectors[vector](t, "set.json") {
		t.Run(v.Name, func(t *testing.T) { v.test(t, file.Config) })
	}
}

func (v vector) test(t *testing.T, shared json.RawMessage) {
	if string(v.Config) == `"#/config"` {
		v.Config = shared
	}
	var c struct {
		Issuer        string
		Audience      []string
		Algorithms    []string
		Authorization string `json:"authorization_header"`
	}
	if err := json.Unmarshal(v.Config, &c); err != nil {
		t.Fatal(err)
	}
	config := provider.Config{Options: func(into any) error {
		o := into.(*set.Options)
		o.Issuer, o.Audience, o.Algorithms, o.Authorization = c.Issuer, c.Audience, c.Algorithms, c.Authorization
		if v.Secret == "" {
			o.JWKSFile = "testdata/keys.json"
		}
		return nil
	}}
	if v.Secret != "" {
		config.Secrets = []string{v.Secret}
	}
	p, err := set.New(config)
	if err != nil {
		t.Fatal(err)
	}
	r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/in/set"}, Header: providertest.Header(v.Headers), Body: []byte(v.Body)}
	if err := p.Verify(r); (err == nil) != v.Valid {
		t.Fatalf("Verify: %v, want valid %t", err, v.Valid)
	}
	if !v.Valid {
		return
	}
	if e := providertest.Decode(t, p, r); e.ID != v.Expect.ID || e.Native != v.Expect.Type || e.JWS != v.Body {
		t.Errorf("got %s %s, want %s %s, and the token", e.ID, e.Native, v.Expect.ID, v.Expect.Type)
	}
}

// A source does not start without its issuer, an audience and exactly one place of keys, or with what makes them
// worthless.
func TestStart(t *testing.T) {
	key := []string{testSecret}
	for name, c := range map[string]struct {
		secrets []string
		change  func(*set.Options)
		starts  bool
	}{
		"secrets":                     {key, nil, true},
		"a file of keys":              {nil, func(o *set.Options) { o.JWKSFile = "testdata/keys.json" }, true},
		"a URL of keys":               {nil, func(o *set.Options) { o.JWKSURL = "https://example.com/keys" }, true},
		"discovery":                   {nil, func(o *set.Options) { o.Discovery = true }, true},
		"no key":                      {nil, nil, false},
		"an empty secret":             {[]string{testSecret, ""}, nil, false},
		"a short secret":              {[]string{testSecret[:31]}, nil, false},
		"secrets and a file":          {key, func(o *set.Options) { o.JWKSFile = "testdata/keys.json" }, false},
		"a URL and discovery":         {nil, func(o *set.Options) { o.JWKSURL, o.Discovery = "https://example.com/keys", true }, false},
		"a URL without TLS":           {nil, func(o *set.Options) { o.JWKSURL = "http://example.com/keys" }, false},
		"discovery without TLS":       {nil, func(o *set.Options) { o.Issuer, o.Discovery = "http://example.com", true }, false},
		"discovery, no URL":           {nil, func(o *set.Options) { o.Issuer, o.Discovery = "me", true }, false},
		"a file that is away":         {nil, func(o *set.Options) { o.JWKSFile = "testdata/no.json" }, false},
		"a file without keys":         {nil, func(o *set.Options) { o.JWKSFile = "testdata/set.txtar" }, false},
		"RS256 with secrets":          {key, func(o *set.Options) { o.Algorithms = []string{"HS256", "RS256"} }, false},
		"HS256 with public keys":      {nil, func(o *set.Options) { o.Discovery, o.Algorithms = true, []string{"HS256"} }, false},
		"none":                        {nil, func(o *set.Options) { o.Discovery, o.Algorithms = true, []string{"none"} }, false},
		"no issuer":                   {key, func(o *set.Options) { o.Issuer = "" }, false},
		"no audience":                 {key, func(o *set.Options) { o.Audience = nil }, false},
		"an empty audience":           {key, func(o *set.Options) { o.Audience = []string{"a", ""} }, false},
		"a rule that typ has not":     {key, func(o *set.Options) { o.Type = "ignore" }, false},
		"a rule that aud has not":     {key, func(o *set.Options) { o.Aud = "" }, false},
		"a rule that exp has not":     {key, func(o *set.Options) { o.Expiry = "optional" }, false},
		"a future that lies behind":   {key, func(o *set.Options) { o.MaxFuture = -1 }, false},
		"options that cannot be read": {key, func(o *set.Options) { o.Issuer = "unreadable" }, false},
	} {
		_, err := set.New(provider.Config{Secrets: c.secrets, Options: func(into any) error {
			o := into.(*set.Options)
			o.Issuer, o.Audience = testIssuer, []string{testAudience}
			if c.change != nil {
				c.change(o)
			}
			if o.Issuer == "unreadable" {
				return errors.New("line 1")
			}
			return nil
		}})
		if (err == nil) != c.starts {
			t.Errorf("%s: %v, want it to start: %t", name, err, c.starts)
		}
	}
}

// Only the transmitter has the private key.
func TestPublicKeysDoNotSign(t *testing.T) {
	p, err := set.New(provider.Config{Options: func(into any) error {
		o := into.(*set.Options)
		o.Issuer, o.Audience, o.JWKSFile = testIssuer, []string{testAudience}, "testdata/keys.json"
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	r, err := p.(provider.Sampler).Sample(provider.SignalBase + "caep/event-type/session-revoked")
	if err != nil {
		t.Fatal(err)
	}
	if p.(provider.Signer).Sign(&r) == nil {
		t.Error("signed")
	}
}
