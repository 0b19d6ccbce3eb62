package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How a key set is fetched. A delivery waits for it, and senders give up after 3 s.
const (
	jwksTimeout = 2 * time.Second // for all that it takes
	jwksBytes   = 1 << 20
	jwksAge     = time.Hour       // after which it is fetched again: keys that are withdrawn go
	jwksPause   = time.Minute     // between two fetches while there are keys, so that strangers cannot cause more
	jwksRetry   = 5 * time.Second // between two fetches while there are none
)

// JWKSConfig says where the public keys of an issuer are: exactly one of URL, Issuer and Text.
type JWKSConfig struct {
	// URL gives the set. https, or http where the host is this machine; redirects are not followed.
	URL string
	// InsecureHTTP allows http to other hosts too: whoever is on the way can then put keys of their own in its place.
	InsecureHTTP bool
	// Issuer is a transmitter of security events that names the URL itself, in its ssf-configuration or, older,
	// risc-configuration. https, or http where the host is this machine.
	Issuer string
	Text   []byte           // the set itself
	Now    func() time.Time // nil: time.Now
}

// A JWKS is a set of public keys (RFC 7517) that is fetched when it is first needed, kept, and fetched again when it is
// an hour old or a token does not fit it: at most once a minute. A set that cannot be fetched again stays
// in use. Many goroutines may use one.
type JWKS struct {
	url      string
	issuer   string // to ask for the URL
	fixed    bool   // never fetched
	insecure bool
	client   *http.Client
	now      func() time.Time

	set   atomic.Pointer[keySet]
	mu    sync.Mutex // held while fetching
	tried time.Time  // the last fetch, guarded by mu
}

// NewJWKS refuses a URL that is not safe, and a text without a usable key. It fetches nothing.
func NewJWKS(c JWKSConfig) (*JWKS, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	s := &JWKS{
		url: c.URL, issuer: c.Issuer, fixed: len(c.Text) > 0, insecure: c.InsecureHTTP, now: c.Now, client: jwksClient(),
	}
	switch {
	case c.places() != 1:
		return nil, errors.New("key set: want a URL or a file")
	case c.URL != "":
		return s, checkJWKSURL(c.URL, c.InsecureHTTP)
	case c.Issuer != "":
		return s, checkJWKSURL(c.Issuer, c.InsecureHTTP)
	}
	set, err := parseKeySet(c.Text, c.Now())
	if err != nil {
		return nil, err
	}
	s.set.Store(set)
	return s, nil
}

// places counts the places that are given.
func (c JWKSConfig) places() (n int) {
	for _, given := range []bool{c.URL != "", c.Issuer != "", len(c.Text) > 0} {
		if given {
			n++
		}
	}
	return n
}

func jwksClient() *http.Client {
	return &http.Client{
		Timeout:       jwksTimeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func checkJWKSURL(text string, insecure bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return errors.New("key set: not an absolute https URL")
	}
	ip := net.ParseIP(u.Hostname())
	if local := u.Hostname() == "localhost" || ip.IsLoopback(); u.Scheme == "http" && !local && !insecure {
		return errors.New("key set: http lets whoever is on the way replace the keys: use https")
	}
	return nil
}

// Verify checks the signature of a token with the keys of the set. Algorithms are those of [AsymmetricAlgorithms] that
// may come; a shared secret never counts. The key is the one that kid names, or without kid the only one that fits the
// algorithm: never one that the token brings. An error marked by [Unavailable]: there are no keys, and they cannot be
// fetched now.
func (s *JWKS) Verify(t Token, algorithms []string) error {
	if !slices.Contains(algorithms, t.Algorithm) || !slices.Contains(AsymmetricAlgorithms(), t.Algorithm) {
		return errors.New("token: alg: not an allowed one")
	}
	set, err := s.current()
	if err != nil {
		return Unavailable(err)
	}
	err = set.verify(t)
	if err == nil || s.fixed {
		return err
	}
	if newer := s.renewed(set); newer != set { // the issuer may have changed its keys, and may have kept their names
		return newer.verify(t)
	}
	return err
}

// current gives the set, fetched where there is none or an old one. One delivery fetches an old set again; the others
// go on with it.
func (s *JWKS) current() (*keySet, error) {
	set := s.set.Load()
	switch {
	case set == nil:
		s.mu.Lock()
	case s.fixed || s.now().Sub(set.fetched) < jwksAge || !s.mu.TryLock():
		return set, nil
	}
	defer s.mu.Unlock()
	next, err := s.renew(set)
	if next == nil {
		return nil, err
	}
	return next, nil
}

// renewed gives a set that is newer than the one that lacks a key, if there is one to be had.
func (s *JWKS) renewed(have *keySet) *keySet {
	s.mu.Lock()
	defer s.mu.Unlock()
	if next, err := s.renew(have); err == nil {
		return next
	}
	return have
}

// renew fetches the set, unless somebody did while we waited, or tried a moment ago. It always gives a set where there
// is one. s.mu is held.
func (s *JWKS) renew(have *keySet) (*keySet, error) {
	if set := s.set.Load(); set != have {
		return set, nil
	}
	pause := jwksRetry
	if have != nil {
		pause = jwksPause
	}
	now := s.now()
	if now.Sub(s.tried) < pause {
		return have, errors.New("fetch key set: tried a moment ago")
	}
	s.tried = now
	text, err := s.fetch()
	if err != nil {
		return have, fmt.Errorf("fetch key set: %w", err)
	}
	set, err := parseKeySet(text, now)
	if err != nil {
		return have, fmt.Errorf("fetch key set: %w", err)
	}
	s.set.Store(set)
	return set, nil
}

func (s *JWKS) fetch() ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), jwksTimeout)
	defer cancel()
	address := s.url
	if s.issuer != "" {
		var err error
		if address, err = s.discover(ctx); err != nil {
			return nil, err
		}
	}
	return s.get(ctx, address)
}

// get reads a document of at most 1 MiB.
func (s *JWKS) get(ctx context.Context, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", "application/json, application/jwk-set+json")
	answer, err := s.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %d", answer.StatusCode)
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, jwksBytes+1))
	if err == nil && len(text) > jwksBytes {
		err = errors.New("longer than 1 MiB")
	}
	return text, err
}
