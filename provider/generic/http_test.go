package generic_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A memoryStore counts what the way in stores.
type memoryStore struct{ stored atomic.Int32 }

func (s *memoryStore) Store(_ context.Context, messages []schema.Message) (schema.Receipt, error) {
	s.stored.Add(int32(len(messages)))
	return schema.Receipt{Stored: schema.StoredJournal}, nil
}

// serve puts a provider behind the way in.
func serve(t *testing.T, p provider.Provider, now time.Time) (*httptest.Server, *memoryStore) {
	t.Helper()
	store := new(memoryStore)
	in, err := ingress.New(ingress.Config{
		Sources: []ingress.Source{{Name: "test", ProviderName: "generic", Path: "/webhooks/test", Provider: p}},
		Limits:  ingress.Limits{Body: 1 << 20}, Store: store, Wire: schema.Wire{Prefix: "identity"},
		Now: func() time.Time { return now },
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	return server, store
}

// overHTTP sends a request and gives the status and the body of the answer.
func overHTTP(t *testing.T, server *httptest.Server, r provider.Request) (status int, body string) {
	t.Helper()
	sent, err := http.NewRequest(r.Method, server.URL+r.URL.RequestURI(), strings.NewReader(string(r.Body)))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header = r.Header
	answer, err := server.Client().Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text strings.Builder
	if _, err := io.Copy(&text, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text.String()
}

func TestOktaOverHTTP(t *testing.T) {
	p := mustBuild(t, readFile(t, "testdata/okta.yaml"), "my-shared-secret", noon)
	server, store := serve(t, p, noon)
	const json, credential, challenge = "application/json", "my-shared-secret", "X-Okta-Verification-Challenge"
	for _, c := range []struct {
		name, method string
		headers      map[string]string
		status       int
		body         string
		stored       int32
	}{
		{"challenge", "GET", map[string]string{challenge: "abc", "Authorization": credential}, 200, `{"verification":"abc"}`, 0},
		{"challenge without credential", "GET", map[string]string{challenge: "abc"}, 401, "", 0},
		{"plain GET", "GET", map[string]string{"Authorization": credential}, 405, `{"error":"method not allowed"}`, 0},
		{"delivery without credential", "POST", map[string]string{"Content-Type": json}, 401, `{"error":"not verified"}`, 0},
		{"delivery", "POST", map[string]string{"Content-Type": json, "Authorization": credential}, 204, "", 5},
	} {
		body := ""
		if c.method == "POST" {
			body = oktaBody
		}
		status, got := overHTTP(t, server, request(c.method, "/webhooks/test", c.headers, body))
		if status != c.status || got != c.body || store.stored.Load() != c.stored {
			t.Errorf("%s: got %d %s, %d stored; want %d %s, %d", c.name, status, got, store.stored.Load(), c.status, c.body, c.stored)
		}
	}
}
