package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// A call is one request that a program made to do its work.
type call struct {
	path   string // "/codes" or "/users"
	key    string // its Idempotency-Key
	body   map[string]any
	at     time.Time
	status int
}

// A reply is how the service answers a call.
type reply struct {
	status int
	after  time.Duration
	hold   <-chan struct{} // nil, or what the answer waits for
}

// A service is the work of all programs: POST /codes and POST /users. How it answers is said for each event; what was
// not said is 200.
type service struct {
	url    string
	server *http.Server

	mu      sync.Mutex
	replies map[string][]reply // by key; the last one repeats
	calls   []call
}

func newService() (*service, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &service{url: "http://" + l.Addr().String(), replies: map[string][]reply{}}
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second}
	go func() { _ = s.server.Serve(l) }() // until close
	return s, nil
}

func (s *service) close() { _ = s.server.Close() }

// answer says how calls for an event are answered from now on.
func (s *service) answer(key string, replies ...reply) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.replies[key] = replies
}

// ServeHTTP takes a call down before it answers: a program may be killed meanwhile.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := call{path: r.URL.Path, key: r.Header.Get("Idempotency-Key"), at: time.Now()}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return
	}
	known := r.Method == http.MethodPost && (c.path == "/codes" || c.path == "/users")
	if !known || json.Unmarshal(body, &c.body) != nil || c.key == "" {
		http.Error(w, "want POST /codes or /users, a JSON object and an Idempotency-Key", http.StatusBadRequest)
		c.key, c.status = "?", http.StatusBadRequest
		s.note(c)
		return
	}
	reply := s.next(c.key)
	c.status = reply.status
	s.note(c)
	select {
	case <-time.After(reply.after):
	case <-r.Context().Done():
		return
	}
	if reply.hold != nil {
		select {
		case <-reply.hold:
		case <-r.Context().Done():
			return
		}
	}
	w.WriteHeader(reply.status)
}

func (s *service) next(key string) reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := s.replies[key]
	if len(all) == 0 {
		return reply{status: http.StatusOK}
	}
	if len(all) > 1 {
		s.replies[key] = all[1:]
	}
	return all[0]
}

func (s *service) note(c call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
}

// of are the calls that were made for an event.
func (s *service) of(key string) []call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c call) bool { return c.key != key })
}
