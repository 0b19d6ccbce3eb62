package cache_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// An edge is an HTTP cache that answers with the status that its path says: /404/ada.
type edge struct {
	*httptest.Server
	mu   sync.Mutex
	seen []string
}

func startEdge(t *testing.T) *edge {
	e := &edge{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.seen = append(e.seen, fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Host, r.Header.Get("X-Key")))
		status := http.StatusOK
		if _, err := fmt.Sscanf(r.URL.Path, "/%d/", &status); err != nil {
			status = http.StatusOK // the path names none
		}
		if status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", "7")
		}
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
	}))
	t.Cleanup(e.Close)
	return e
}

func purging(t *testing.T, template string) consumer.Job {
	return start(t, fmt.Sprintf("url: redis://127.0.0.1:1\nkeys: {user.deleted: [x]}\npurge: {user.*: [%q]}\n"+
		"purge_headers: {X-Key: sesame, Host: www.example.com}", template))
}

func TestPurge(t *testing.T) {
	e := startEdge(t)
	job := purging(t, e.URL+"/users/{{.user.id}}?x=1")
	handle(t, job, event("user.updated", `"user":{"id":"../a b?&/\u00e4"}`))
	handle(t, job, event("user.updated", `"user":{}`))
	want := "PURGE /users/..%2Fa%20b%3F&%2F%C3%A4?x=1 www.example.com sesame"
	if got := strings.Join(e.seen, "\n"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if err := job.Handle(t.Context(), event("user.updated", `"user":{"id":".."}`)); consumertest.Verdict(err) != "permanent" {
		t.Errorf("..: %v", err)
	}
}

func TestPurgeAnswers(t *testing.T) {
	e := startEdge(t)
	for status, verdict := range map[int]string{
		200: "ack", 204: "ack", 404: "ack", 410: "ack", 301: "permanent", 403: "permanent", 405: "permanent",
		429: "retry", 500: "retry", 503: "after 7s",
	} {
		err := purging(t, fmt.Sprintf("%s/%d/{{.user.id}}", e.URL, status)).Handle(t.Context(), event("user.updated", `"user":{"id":"ada"}`))
		if got := consumertest.Verdict(err); got != verdict || err != nil && strings.Contains(err.Error(), "ada") {
			t.Errorf("%d: %s (%v), want %s", status, got, err, verdict)
		}
	}
}

// Redis comes first: what the HTTP cache asks for again is made from there.
func TestPurgeWaitsForRedis(t *testing.T) {
	e := startEdge(t)
	job := purging(t, e.URL+"/{{.user.id}}")
	if err := job.Handle(t.Context(), event("user.deleted", `"user":{"id":"ada"}`)); consumertest.Verdict(err) != "retry" {
		t.Errorf("got %v, want an error that is not permanent", err)
	}
	if len(e.seen) > 0 {
		t.Errorf("purged although Redis is away: %q", e.seen)
	}
}

func TestPurgeServerAway(t *testing.T) {
	e := startEdge(t)
	job := purging(t, e.URL+"/{{.user.id}}")
	e.Close()
	err := job.Handle(t.Context(), event("user.updated", `"user":{"id":"ada"}`))
	if consumertest.Verdict(err) != "retry" || strings.Contains(err.Error(), "ada") {
		t.Errorf("got %v", err)
	}
}
