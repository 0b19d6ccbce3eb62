package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"syscall"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// A delivery is one signed request, made here.
type delivery struct {
	request provider.Request
	ids     []string // of its events
	proofs  []string // the headers that the signature is in
}

// make makes one delivery, fresh and signed.
func (t *target) make(native string) (delivery, error) {
	r, err := t.sampler.Sample(native)
	if err != nil {
		return delivery{}, err
	}
	// As it will arrive: a request line has no scheme and no host.
	r.URL = &url.URL{Path: t.url.Path, RawPath: t.url.RawPath, RawQuery: t.url.RawQuery}
	unsigned := r.Header.Clone()
	if err := t.signer.Sign(&r); err != nil {
		return delivery{}, fmt.Errorf("sign: %w", err)
	}
	d := delivery{request: r}
	for name := range r.Header {
		if unsigned[name] == nil {
			d.proofs = append(d.proofs, name)
		}
	}
	events, err := t.provider.Decode(r)
	if err != nil {
		return delivery{}, fmt.Errorf("decode: %w", err)
	}
	for _, e := range events {
		d.ids = append(d.ids, e.ID)
	}
	return d, nil
}

// http is the delivery as net/http sends it.
func (t *target) http(ctx context.Context, d delivery) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, d.request.Method, t.url.String(), bytes.NewReader(d.request.Body))
	if err != nil {
		return nil, err
	}
	r.Header = d.request.Header.Clone()
	r.Header.Set("User-Agent", "forebay-send")
	return r, nil
}

// print writes deliveries as HTTP/1.1 text and sends nothing.
func (t *target) print(w io.Writer, native provider.Native, count int) error {
	for range count {
		d, err := t.make(native.Name)
		if err != nil {
			return err
		}
		r, err := t.http(context.Background(), d)
		if err != nil {
			return err
		}
		if err := r.Write(w); err != nil {
			return err
		}
		if _, err := io.WriteString(w, "\n"); err != nil {
			return err
		}
	}
	return nil
}

// An answer is what became of a delivery.
type answer struct {
	Source    string   `json:"source"`
	Native    string   `json:"native"`
	Action    string   `json:"action"`
	IDs       []string `json:"ids"` // of the events
	Status    int      `json:"status,omitempty"`
	Stored    string   `json:"stored,omitempty"` // "journal" or "stream"
	Body      string   `json:"body,omitempty"`
	Signature string   `json:"signature,omitempty"` // "right" or "wrong", where the answer is signed
	Seconds   float64  `json:"seconds"`
	Error     string   `json:"error,omitempty"`
	cause     error
}

func (a answer) success() bool {
	return a.cause == nil && a.Status >= 200 && a.Status < 300 && a.Signature != "wrong"
}

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 64 << 10

// send makes and sends a delivery.
func (t *target) send(ctx context.Context, native provider.Native) answer {
	a := answer{Source: t.source.Name, Native: native.Name, Action: string(native.Action)}
	if a.cause = t.exchange(ctx, native, &a); a.cause != nil {
		a.Error = a.cause.Error()
	}
	return a
}

func (t *target) exchange(ctx context.Context, native provider.Native, a *answer) error {
	d, err := t.make(native.Name)
	if err != nil {
		return err
	}
	a.IDs = d.ids
	return t.deliver(ctx, d, a)
}

// deliver sends a delivery and waits for the answer.
func (t *target) deliver(ctx context.Context, d delivery, a *answer) error {
	r, err := t.http(ctx, d)
	if err != nil {
		return err
	}
	start := time.Now()
	response, err := t.client.Do(r)
	a.Seconds = time.Since(start).Seconds()
	if errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%w (%s)", err, t.hint)
	}
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	a.Status, a.Stored, a.Body = response.StatusCode, response.Header.Get("Forebay-Stored"), string(body)
	a.Signature = t.checkAnswer(d, response.Header, body)
	return nil
}

// checkAnswer verifies an answer that is signed as deliveries are: by the same headers, for the same URL.
func (t *target) checkAnswer(d delivery, h http.Header, body []byte) string {
	for _, name := range d.proofs {
		if h.Get(name) == "" {
			return ""
		}
	}
	if len(d.proofs) == 0 {
		return ""
	}
	asRequest := provider.Request{Method: d.request.Method, URL: d.request.URL, Header: h, Body: body}
	if err := t.provider.Verify(asRequest); err != nil {
		return "wrong"
	}
	return "right"
}
