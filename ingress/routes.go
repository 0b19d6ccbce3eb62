package ingress

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"

	"github.com/gorilla/mux"
	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A table holds the sources by the path that their providers call. It never changes: Reload puts another in its place.
type table map[string]*source

// A source is a configured source at work.
type source struct {
	Source
	in           *Ingress
	limits       Limits
	url          url.URL // its path, escapes as written
	handshaker   provider.Handshaker
	answerer     provider.Answerer
	concealer    provider.Concealer
	headVerifier provider.HeadVerifier
	methods      []string
	types        []string // media types, in lower case
	allow        string   // methods, for the Allow header
	bucket       *rate.Limiter
	places       *atomic.Int64 // how many it holds; see enter
	share        int64         // how many it may hold when others want some
	tally        *tally
	log          *slog.Logger
}

// Reload puts other sources and limits in place. Requests under way finish with what they began with; an error
// changes nothing. A source that keeps its name keeps its count and what it used of its rate.
func (in *Ingress) Reload(sources []Source, limits Limits) error {
	in.reload.Lock()
	defer in.reload.Unlock()
	if err := limits.check(); err != nil {
		return fmt.Errorf("ingress: %w", err)
	}
	old, next, names := in.byName(), make(table, len(sources)), make(map[string]bool, len(sources))
	for _, c := range sources {
		s, err := in.source(c, limits)
		if err != nil {
			return fmt.Errorf("ingress: source %q: %w", c.Name, err)
		}
		if names[s.Name] {
			return fmt.Errorf("ingress: source %q: there are two of this name", s.Name)
		}
		if other := next[s.Path]; other != nil {
			return fmt.Errorf("ingress: source %q: path %s is taken by source %q", s.Name, s.Path, other.Name)
		}
		names[s.Name], next[s.Path] = true, s
	}
	for _, s := range next {
		s.share = limits.equalShare(len(next))
		s.inherit(old[s.Name])
	}
	in.table.Store(&next)
	return nil
}

func (in *Ingress) byName() map[string]*source {
	names := make(map[string]*source)
	if t := in.table.Load(); t != nil {
		for _, s := range *t {
			names[s.Name] = s
		}
	}
	return names
}

func (in *Ingress) source(c Source, l Limits) (*source, error) {
	if c.Provider == nil {
		return nil, errors.New("no provider")
	}
	if _, err := schema.Subject(in.wire.Prefix, c.Name, "webhook.verified"); err != nil {
		return nil, err
	}
	u, err := exactPath(c.Path)
	if err != nil {
		return nil, err
	}
	c.Path = u.EscapedPath()
	s := &source{Source: c, in: in, limits: l, url: u}
	s.handshaker, _ = c.Provider.(provider.Handshaker)
	s.headVerifier, _ = c.Provider.(provider.HeadVerifier)
	s.answerer, _ = c.Provider.(provider.Answerer)
	s.concealer, _ = c.Provider.(provider.Concealer)
	s.methods, s.types = accepts(c.Provider)
	s.allow = strings.Join(s.methods, ", ")
	return s, nil
}

// accepts lists what the provider sends: what it declares, else POST and application/json.
func accepts(p provider.Provider) (methods, types []string) {
	var a provider.Accepts
	if p, ok := p.(provider.Accepter); ok {
		a = p.Accepts()
	}
	if len(a.Methods) == 0 {
		a.Methods = []string{http.MethodPost}
	}
	if len(a.ContentTypes) == 0 {
		a.ContentTypes = []string{"application/json"}
	}
	return a.Methods, a.ContentTypes
}

// inherit takes over what outlives a reload.
func (s *source) inherit(old *source) {
	if old == nil {
		s.bucket, s.tally = newBucket(s.limits), &tally{metrics: s.in.metrics, source: s.Name}
		s.places = new(atomic.Int64)
	} else {
		s.bucket, s.tally, s.places = old.bucket, old.tally, old.places
		setBucket(s.bucket, s.limits, s.in.now())
	}
	s.log = s.in.log.With("source", s.Name)
}

// routes is one route with a look-up of its own: with a route per source, the router would try thousands in turn.
// Nothing is cleaned and nothing redirected: what is not exactly a source's path is unknown.
func (in *Ingress) routes() *mux.Router {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	r.MatcherFunc(in.match)
	r.NotFoundHandler = http.HandlerFunc(notFound)
	return r
}

func (in *Ingress) match(r *http.Request, m *mux.RouteMatch) bool {
	s := (*in.table.Load())[requestPath(r)]
	if s == nil {
		return false
	}
	m.Handler = s
	return true
}

func notFound(w http.ResponseWriter, _ *http.Request) {
	answer{outcome: unknown, Answer: standard(unknown)}.write(w)
}

// ServeHTTP takes one delivery. It asks the router alone, without the copies of the request that hold its variables:
// there are none.
func (in *Ingress) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var m mux.RouteMatch
	in.router.Match(r, &m)
	m.Handler.ServeHTTP(w, r)
}

// ServeHTTP takes one delivery of this source, answers it, and notes how it ended.
func (s *source) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begun := s.in.now()
	ctx, span := s.span(r)
	a, err := s.receive(ctx, r)
	a.write(w)
	end(span, a)
	s.note(ctx, a, err, s.in.now().Sub(begun))
}
