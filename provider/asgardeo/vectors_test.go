package asgardeo_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/providertest"
)

// A vector is a case of testdata/asgardeo.json.
type vector struct {
	Name, Secret, Method string

	Path       string   `json:"path_and_query"`
	Topics     []string `json:"allowed_topics"`
	Headers    map[string]string
	Body       *string // nil: the bytes are in BodyBase64
	BodyBase64 string  `json:"body_base64"`
	BodyUTF8   string  `json:"body_utf8"` // what the bytes mean

	Valid      bool
	Transcoded bool `json:"valid_after_latin1_to_utf8"`
	Expect     *struct {
		ID, Type, Body string

		Time   int64 `json:"time_unix_ms"`
		Status int
	}
}

func TestVectors(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "asgardeo.json") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Method == http.MethodGet {
				v.testHandshake(t)
				return
			}
			v.testDelivery(t)
		})
	}
}

func (v vector) testDelivery(t *testing.T) {
	r := v.request(t)
	if strings.Contains(v.Name, "sha1") {
		if err := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto}, v.Secret).Verify(r); err == nil {
			t.Error("accepted without the setting sha1")
		}
	}
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto, SHA1: true}, v.Secret)
	want := v.Valid || v.Transcoded
	if err := p.Verify(r); (err == nil) != want {
		t.Fatalf("Verify: %v, want valid %t", err, want)
	}
	if want {
		v.testDecode(t, p, r)
	}
}

func (v vector) testDecode(t *testing.T, p *asgardeo.Provider, r provider.Request) {
	e := providertest.Decode(t, p, r)
	if e.Action.Category() == "other" {
		t.Errorf("%s is %s", e.Native, e.Action)
	}
	if v.BodyUTF8 != "" && string(e.Payload) != v.BodyUTF8 {
		t.Errorf("got payload %s, want %s", e.Payload, v.BodyUTF8)
	}
	if v.Expect == nil {
		return
	}
	if e.ID != v.Expect.ID || e.Native != v.Expect.Type || e.Time.UnixMilli() != v.Expect.Time {
		t.Errorf("got %s %s %v, want %+v", e.ID, e.Native, e.Time, *v.Expect)
	}
}

func (v vector) testHandshake(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto, Unsubscribe: true, Topics: v.Topics}, "test-secret")
	a, ok := p.Handshake(v.request(t))
	if !ok || a.Status != v.Expect.Status || string(a.Body) != v.Expect.Body {
		t.Errorf("got %t %d %q, want %d %q", ok, a.Status, a.Body, v.Expect.Status, v.Expect.Body)
	}
}

func (v vector) request(t *testing.T) provider.Request {
	t.Helper()
	u, err := url.ParseRequestURI("/in/asgardeo")
	if v.Path != "" {
		u, err = url.ParseRequestURI(v.Path)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := provider.Request{Method: v.Method, URL: u, Header: providertest.Header(v.Headers)}
	if v.Body != nil {
		r.Body = []byte(*v.Body)
	} else if r.Body, err = base64.StdEncoding.DecodeString(v.BodyBase64); err != nil {
		t.Fatal(err)
	}
	return r
}

func newProvider(t testing.TB, o asgardeo.Options, secrets ...string) *asgardeo.Provider {
	t.Helper()
	if o.Registration == "" {
		o.Registration = "user.created"
	}
	p, err := asgardeo.New(provider.Config{
		Secrets: secrets, Path: "/webhooks/asgardeo",
		Options: func(into any) error { *into.(*asgardeo.Options) = o; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*asgardeo.Provider)
}
