package scalekit_test

import (
	"encoding/json"
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/scalekit"
)

func TestVectors(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "scalekit.json") {
		t.Run(v.Name, v.test)
	}
}

// A vector is a case of testdata/scalekit.json.
type vector struct {
	Name, Secret, Method, Path, Body string

	Headers map[string]string
	Now     int64
	Valid   bool
}

func (v vector) test(t *testing.T) {
	p, err := scalekit.New(provider.Config{
		Secrets: []string{v.Secret}, Now: func() time.Time { return time.Unix(v.Now, 0) },
	})
	if err != nil {
		if v.Valid {
			t.Errorf("New: %v, want valid", err)
		}
		return
	}
	r := provider.Request{Method: v.Method, URL: &url.URL{Path: v.Path}, Header: providertest.Header(v.Headers), Body: []byte(v.Body)}
	if err := p.Verify(r); (err == nil) != v.Valid {
		t.Fatalf("Verify: %v, want valid %t", err, v.Valid)
	}
	if v.Valid {
		v.testDecode(t, p, r)
	}
}

// testDecode holds Decode to what the body says; a body that is empty cannot be read.
func (v vector) testDecode(t *testing.T, p provider.Provider, r provider.Request) {
	if v.Body == "" {
		if _, err := p.Decode(r); err == nil {
			t.Error("Decode of an empty body: no error")
		}
		return
	}
	e := providertest.Decode(t, p, r)
	var body struct {
		Type           string
		OccurredAt     time.Time `json:"occurred_at"`
		OrganizationID string    `json:"organization_id"`
	}
	if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
		t.Fatal(err)
	}
	if e.ID != v.Headers["webhook-id"] || e.Native != body.Type || !e.Time.Equal(body.OccurredAt) {
		t.Errorf("got %s %s %v, want %s %s %v", e.ID, e.Native, e.Time, v.Headers["webhook-id"], body.Type, body.OccurredAt)
	}
	if e.Organization == nil || e.Organization.ID != body.OrganizationID {
		t.Errorf("got organization %v, want %s", e.Organization, body.OrganizationID)
	}
}
