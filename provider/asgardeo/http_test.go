package asgardeo_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/schema"
)

// store counts what is stored.
type store struct{ messages int }

func (s *store) Store(_ context.Context, m []schema.Message) (schema.Receipt, error) {
	s.messages += len(m)
	return schema.Receipt{Stored: schema.StoredJournal}, nil
}

// serve puts a source behind the real way in.
func serve(t *testing.T, o asgardeo.Options, s *store) *httptest.Server {
	t.Helper()
	p := newProvider(t, o, "test-secret")
	in, err := ingress.New(ingress.Config{
		Sources: []ingress.Source{{Name: "acme", ProviderName: "asgardeo", Path: "/webhooks/asgardeo", Provider: p}},
		Limits:  ingress.Limits{Body: 1 << 20},
		Store:   s,
		Wire:    schema.Wire{Prefix: "identity"},
		Log:     slog.New(slog.DiscardHandler),
		Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(in)
	t.Cleanup(server.Close)
	return server
}

// TestHandshakeOverHTTP holds status, type and every byte of the answers, and that nothing is stored.
func TestHandshakeOverHTTP(t *testing.T) {
	const plain = "text/plain; charset=utf-8"
	tests := map[string]struct {
		mode                     asgardeo.Mode
		query, body, contentType string
		status                   int
	}{
		"confirmed":     {asgardeo.Auto, "hub.mode=subscribe&hub.topic=t1&hub.challenge=a%2Fb%3C", "a/b<", plain, 200},
		"not wanted":    {asgardeo.Auto, "hub.mode=subscribe&hub.topic=t2&hub.challenge=c", "", "", 404},
		"not a request": {asgardeo.Hub, "hub.mode=subscribe", "", "", 400},
		"denied":        {asgardeo.Hub, "hub.mode=denied&hub.topic=t1&hub.reason=no", "", "", 200},
	}
	for name, want := range tests {
		s := &store{}
		server := serve(t, asgardeo.Options{Mode: want.mode, Topics: []string{"t1"}}, s)
		status, header, body := fetch(t, server.URL+"/webhooks/asgardeo?"+want.query)
		if status != want.status || body != want.body || header.Get("Content-Type") != want.contentType {
			t.Errorf("%s: got %d %q %v", name, status, body, header)
		}
		if s.messages > 0 {
			t.Errorf("%s: %d events are stored", name, s.messages)
		}
	}
}

func TestDirectHasNoHandshake(t *testing.T) {
	server := serve(t, asgardeo.Options{Mode: asgardeo.Direct, Topics: []string{"*"}}, &store{})
	status, header, _ := fetch(t, server.URL+"/webhooks/asgardeo?hub.mode=subscribe&hub.topic=t1&hub.challenge=c")
	if status != http.StatusMethodNotAllowed || header.Get("Allow") != http.MethodPost {
		t.Errorf("got %d, Allow %q", status, header.Get("Allow"))
	}
}

func fetch(t *testing.T, url string) (status int, header http.Header, body string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}
