package mgpass_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/providertest"
)

func TestVectors(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "mgpass.json") {
		t.Run(v.Name, v.test)
	}
}

// A vector is a case of testdata/mgpass.json.
type vector struct {
	Name, Secret, Method, Body string

	Headers map[string]string
	Valid   bool
	Expect  *struct {
		ID   *string // nil: the SHA-256 of the body
		Type string
		Time int64 `json:"time_unix_s"`
	}
}

func (v vector) test(t *testing.T) {
	p, err := mgpass.New(provider.Config{Secrets: []string{v.Secret}})
	if err != nil {
		t.Fatal(err)
	}
	r := provider.Request{Method: v.Method, URL: &url.URL{Path: "/"}, Header: providertest.Header(v.Headers), Body: []byte(v.Body)}
	if err := p.Verify(r); (err == nil) != v.Valid {
		t.Fatalf("Verify: %v, want valid %t", err, v.Valid)
	}
	if v.Expect == nil {
		return
	}
	sum := sha256.Sum256(r.Body)
	id := hex.EncodeToString(sum[:])
	if v.Expect.ID != nil {
		id = *v.Expect.ID
	}
	e := providertest.Decode(t, p, r)
	if e.ID != id || e.Native != v.Expect.Type {
		t.Errorf("got %s %s, want %s %s", e.ID, e.Native, id, v.Expect.Type)
	}
	if v.Expect.Time != 0 && e.Time.Unix() != v.Expect.Time {
		t.Errorf("got time %v, want %d", e.Time, v.Expect.Time)
	}
}

func TestInvalidUTF8IsUnreadable(t *testing.T) {
	p, err := mgpass.New(provider.Config{Secrets: []string{"test-secret"}})
	if err != nil {
		t.Fatal(err)
	}
	r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: []byte("{\"type\":\"a\xff\"}")}
	if err := p.(provider.Signer).Sign(&r); err != nil {
		t.Fatal(err)
	}
	if err := p.Verify(r); err != nil {
		t.Errorf("Verify: %v", err)
	}
	if _, err := p.Decode(r); err == nil {
		t.Error("Decode: no error")
	}
}
