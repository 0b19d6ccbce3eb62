package scalekit_test

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/scalekit"
)

func TestVectors(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("testdata", "scalekit.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Vectors) == 0 {
		t.Fatal("no vectors")
	}
	for _, v := range file.Vectors {
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
	r := provider.Request{Method: v.Method, URL: &url.URL{Path: v.Path}, Header: http.Header{}, Body: []byte(v.Body)}
	for name, value := range v.Headers {
		r.Header.Set(name, value)
	}
	if err := p.Verify(r); (err == nil) != v.Valid {
		t.Fatalf("Verify: %v, want valid %t", err, v.Valid)
	}
	if v.Valid {
		v.testDecode(t, p, r)
	}
}

// testDecode holds Decode to what the body says; a body that is empty cannot be read.
func (v vector) testDecode(t *testing.T, p provider.Provider, r provider.Request) {
	events, err := p.Decode(r)
	if v.Body == "" {
		if err == nil {
			t.Error("Decode of an empty body: no error")
		}
		return
	}
	if err != nil || len(events) != 1 {
		t.Fatalf("Decode: %d events, %v", len(events), err)
	}
	var body struct {
		Type           string
		OccurredAt     time.Time `json:"occurred_at"`
		OrganizationID string    `json:"organization_id"`
	}
	if err := json.Unmarshal([]byte(v.Body), &body); err != nil {
		t.Fatal(err)
	}
	e := events[0]
	if e.ID != v.Headers["webhook-id"] || e.Native != body.Type || !e.Time.Equal(body.OccurredAt) {
		t.Errorf("got %s %s %v, want %s %s %v", e.ID, e.Native, e.Time, v.Headers["webhook-id"], body.Type, body.OccurredAt)
	}
	if e.Organization == nil || e.Organization.ID != body.OrganizationID {
		t.Errorf("got organization %v, want %s", e.Organization, body.OrganizationID)
	}
}
