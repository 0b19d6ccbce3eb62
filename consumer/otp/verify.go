package otp

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// A verifier answers POST /otp/verify.
type verifier struct {
	options Verify
	codes   *codes
	log     *slog.Logger
	meter   meter
	tokens  [][sha256.Size]byte
	limit   *rate.Limiter
	listen  func(ctx context.Context, address string) (net.Listener, error)
}

const (
	verifyPath = "/otp/verify"
	maxAsk     = 8 << 10 // bytes of a request
	askTime    = 5 * time.Second

	// Answers leave at multiples of tick after their request came, so that the last microseconds tell nothing either.
	tick = 20 * time.Millisecond
)

func newVerifier(o Verify, c *codes, l *slog.Logger, m meter) *verifier {
	v := &verifier{options: o, codes: c, log: l, meter: m, limit: rate.NewLimiter(rate.Limit(o.Rate), o.Rate)}
	for _, token := range o.Tokens {
		v.tokens = append(v.tokens, sha256.Sum256([]byte(token)))
	}
	return v
}

// An ask is the body of a request.
type ask struct {
	ID     string `json:"id"`     // of the option: what SSOfy calls the identifier
	Code   string `json:"code"`   // what the user typed
	User   string `json:"user"`   // optional: the code must be this user's
	Source string `json:"source"` // optional: Verify.Source
}

// ServeHTTP answers 200 with {"valid":true} once for a code that is right, and {"valid":false} for everything else that
// could be a guess.
func (v *verifier) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	status, body := v.answer(r)
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	switch status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		h.Set("Retry-After", "1")
	}
	waitTick(r.Context(), start)
	w.WriteHeader(status)
	fmt.Fprint(w, body)
}

func (v *verifier) answer(r *http.Request) (status int, body string) {
	switch {
	case r.URL.Path != verifyPath:
		return http.StatusNotFound, `{}`
	case !v.known(r.Header.Get("Authorization")):
		return http.StatusUnauthorized, `{}`
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed, `{}`
	case !v.limit.Allow():
		v.meter.check("limited")
		return http.StatusTooManyRequests, `{}`
	}
	g, err := v.read(r.Body)
	if err != nil {
		return http.StatusBadRequest, `{"error":"want {\"id\": text, \"code\": text}, and perhaps user and source"}`
	}
	ctx, cancel := context.WithTimeout(r.Context(), askTime)
	defer cancel()
	valid, err := v.codes.check(ctx, g)
	if err != nil {
		v.log.Error("check a code", "source", g.source, "err", err)
		v.meter.check("error")
		return http.StatusServiceUnavailable, `{}`
	}
	v.meter.check(map[bool]string{true: "valid", false: "invalid"}[valid])
	return http.StatusOK, fmt.Sprintf(`{"valid":%t}`, valid)
}

// known compares with every token, in constant time.
func (v *verifier) known(authorization string) bool {
	scheme, token, _ := strings.Cut(authorization, " ")
	got := sha256.Sum256([]byte(token))
	found := false
	for _, want := range v.tokens {
		found = hmac.Equal(got[:], want[:]) || found
	}
	return found && strings.EqualFold(scheme, "Bearer")
}

func (v *verifier) read(body io.Reader) (guess, error) {
	d := json.NewDecoder(io.LimitReader(body, maxAsk))
	d.DisallowUnknownFields()
	a := ask{Source: v.options.Source}
	if err := d.Decode(&a); err != nil {
		return guess{}, err
	}
	if a.ID == "" || a.Code == "" || len(a.Code) > maxCode || !isSource(a.Source) {
		return guess{}, errors.New("a member is missing or cannot be one")
	}
	return guess{source: a.Source, option: a.ID, user: a.User, code: a.Code}, nil
}

// isSource reports whether name can be a source: it becomes a part of a key.
func isSource(name string) bool {
	return name != "" && len(name) <= 64 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// run listens until ctx ends, and answers those who had come by then.
func (v *verifier) run(ctx context.Context) error {
	l, err := v.listen(ctx, v.options.Listen)
	if err != nil {
		return fmt.Errorf("verify.listen: %w", err)
	}
	var open sync.WaitGroup
	s := &http.Server{
		Handler: v, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10, ConnState: count(&open),
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug), // what clients do to their connections is theirs
	}
	done := make(chan error, 1)
	go func() { done <- v.serve(s, l) }()
	v.log.Info("codes are checked", "listen", l.Addr().String())
	select {
	case err := <-done:
		return fmt.Errorf("verify: %w", err)
	case <-ctx.Done():
	}
	_ = l.Close()
	<-done
	s.SetKeepAlivesEnabled(false) // and not Shutdown, which drops a request that was just read
	within(askTime, open.Wait)
	_ = s.Close() // what is not finished by then has no answer
	return nil
}

// count counts the connections of a server.
func count(open *sync.WaitGroup) func(net.Conn, http.ConnState) {
	return func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Done()
		}
	}
}

// within waits, but no longer than limit.
func within(limit time.Duration, wait func()) {
	over := make(chan struct{})
	go func() {
		wait()
		close(over)
	}()
	select {
	case <-over:
	case <-time.After(limit):
	}
}

func (v *verifier) serve(s *http.Server, l net.Listener) error {
	if v.options.Cert != "" {
		return s.ServeTLS(l, string(v.options.Cert), string(v.options.CertKey))
	}
	return s.Serve(l)
}

// waitTick waits until a multiple of tick after start.
func waitTick(ctx context.Context, start time.Time) {
	timer := time.NewTimer(tick - time.Since(start)%tick)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
