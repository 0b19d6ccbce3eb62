package provider_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/forebayhq/forebay/provider"
)

// A keyServer serves a key set that the test may change, and counts how often it is fetched.
type keyServer struct {
	*httptest.Server
	answer  atomic.Pointer[http.HandlerFunc]
	fetched atomic.Int32

	mu  sync.Mutex
	now time.Time
}

func serveKeySet(t *testing.T, keys []byte) *keyServer {
	t.Helper()
	s := &keyServer{now: time.Unix(1_772_366_400, 0)}
	s.serve(keys)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fetched.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *keyServer) serve(keys []byte) {
	s.answerWith(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) })
}

func (s *keyServer) answerWith(h http.HandlerFunc) { s.answer.Store(&h) }

func (s *keyServer) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *keyServer) later(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

func (s *keyServer) set(t *testing.T) *provider.JWKS {
	return newJWKS(t, provider.JWKSConfig{URL: s.URL, Now: s.clock})
}

func (s *keyServer) wantFetched(t *testing.T, want int32) {
	t.Helper()
	if got := s.fetched.Load(); got != want {
		t.Errorf("fetched %d times, want %d", got, want)
	}
}

func TestKeySetIsFetchedOnceAndKept(t *testing.T) {
	key := keyPair(t, "a", jose.ES256)
	server := serveKeySet(t, keySet(t, key))
	set, text := server.set(t), signToken(t, key, "{}")
	server.wantFetched(t, 0)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			if err := verifyToken(set, text, "ES256"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	server.wantFetched(t, 1)
	server.later(time.Hour)
	server.answerWith(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	for range 2 {
		if err := verifyToken(set, text, "ES256"); err != nil {
			t.Errorf("an old set is no longer used: %v", err)
		}
	}
	server.wantFetched(t, 2)
}

func TestKeySetFollowsARotation(t *testing.T) {
	old, next := keyPair(t, "a", jose.ES256), keyPair(t, "b", jose.ES256)
	server := serveKeySet(t, keySet(t, old))
	set := server.set(t)
	if err := verifyToken(set, signToken(t, old, "{}"), "ES256"); err != nil {
		t.Fatal(err)
	}
	server.serve(keySet(t, next))
	text := signToken(t, next, "{}")
	if verifyToken(set, text, "ES256") == nil {
		t.Error("fetched again within a minute")
	}
	server.wantFetched(t, 1)
	server.later(time.Minute)
	if err := verifyToken(set, text, "ES256"); err != nil {
		t.Errorf("the new key is not found: %v", err)
	}
	server.wantFetched(t, 2)
	if verifyToken(set, signToken(t, old, "{}"), "ES256") == nil {
		t.Error("a key that was withdrawn is accepted")
	}
	for range 8 {
		_ = verifyToken(set, signToken(t, keyPair(t, "x", jose.ES256), "{}"), "ES256")
	}
	server.wantFetched(t, 2)
}

func TestKeySetThatCannotBeFetched(t *testing.T) {
	key := keyPair(t, "a", jose.ES256)
	text := signToken(t, key, "{}")
	elsewhere := serveKeySet(t, keySet(t, key))
	for name, answer := range map[string]http.HandlerFunc{
		"500":         func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"redirect":    func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) },
		"no JSON":     func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"without end": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(strings.Repeat(" ", 1<<20+1))) },
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			<-r.Context().Done()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := serveKeySet(t, nil)
			server.answerWith(answer)
			set := server.set(t)
			start := time.Now()
			for range 3 {
				if err := verifyToken(set, text, "ES256"); !provider.IsUnavailable(err) {
					t.Errorf("got %v, want unavailable", err)
				}
			}
			server.wantFetched(t, 1)
			if took := time.Since(start); took > 4*time.Second {
				t.Errorf("took %s: senders wait 3 s", took)
			}
			server.serve(keySet(t, key))
			server.later(5 * time.Second)
			if err := verifyToken(set, text, "ES256"); err != nil {
				t.Errorf("it does not recover: %v", err)
			}
		})
	}
}

func TestAlgorithmIsCheckedBeforeFetching(t *testing.T) {
	key := keyPair(t, "a", jose.ES256)
	server := serveKeySet(t, keySet(t, key))
	if err := verifyToken(server.set(t), signToken(t, key, "{}"), "RS256"); err == nil || provider.IsUnavailable(err) {
		t.Errorf("got %v, want a refusal", err)
	}
	server.wantFetched(t, 0)
}
