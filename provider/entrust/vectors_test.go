package entrust_test

import (
	"bytes"
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/providertest"
)

// A vector is a case of testdata/entrust.json.
type vector struct {
	Name, Secret, Method, Body string

	Target  string `json:"target_uri"`
	Headers map[string]string
	Now     int64 `json:"now_unix"`
	Valid   bool
	Expect  *struct{ ID, Type string }
}

func TestVectors(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "entrust.json") {
		t.Run(v.Name, v.test)
	}
}

// The MAC of RFC 9421, appendix B.2.5. The base of that appendix is built in the tests of package provider.
func TestReference(t *testing.T) {
	var file struct {
		Reference struct {
			Secret    []byte `json:"secret_base64"`
			Base      string `json:"signature_base"`
			Signature []byte `json:"signature_base64"`
		}
	}
	providertest.Read(t, "entrust.json", &file)
	reference := file.Reference
	keys, err := provider.Config{Secrets: []string{string(reference.Secret)}}.HMACKeys()
	if err != nil {
		t.Fatal(err)
	}
	if mac := keys[0].Sum([]byte(reference.Base)); !bytes.Equal(mac[:], reference.Signature) {
		t.Errorf("got %x, want %x", mac, reference.Signature)
	}
}

func (v vector) test(t *testing.T) {
	p, err := entrust.New(provider.Config{
		Secrets: []string{v.Secret}, Path: "/in/entrust", Now: func() time.Time { return time.Unix(v.Now, 0) },
		PublicURL: &url.URL{Scheme: "https", Host: "ingress.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	r := v.request(t)
	if err := p.Verify(r); (err == nil) != v.Valid {
		t.Fatalf("Verify: %v, want valid %t", err, v.Valid)
	}
	if v.Expect == nil {
		return
	}
	if e := providertest.Decode(t, p, r); e.ID != v.Expect.ID || e.Native != v.Expect.Type {
		t.Errorf("got %s %s, want %s %s", e.ID, e.Native, v.Expect.ID, v.Expect.Type)
	}
}

// request is what comes in: of the target, the request line has the path and the query.
func (v vector) request(t *testing.T) provider.Request {
	t.Helper()
	target, err := url.Parse(v.Target)
	if err != nil {
		t.Fatal(err)
	}
	line, err := url.ParseRequestURI(target.RequestURI())
	if err != nil {
		t.Fatal(err)
	}
	return provider.Request{Method: v.Method, URL: line, Header: providertest.Header(v.Headers), Body: []byte(v.Body)}
}
