package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A sealKey is the private key that opens what was sealed, or why there is none.
type sealKey struct {
	jwk     []byte
	missing error
}

// loadSealKey reads a key's file. That the default file is not there is no error until a request is sealed.
func loadSealKey(c *config.Config, file string) (sealKey, error) {
	named := file != ""
	if !named {
		file = c.SealKeyFile()
	}
	jwk, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("no private key at %s: name it with --key", file)
	}
	if err != nil && named {
		return sealKey{}, usageError{err}
	}
	return sealKey{jwk, err}, nil
}

// open gives the request of a delivery as HTTP text, sealed or not, as it was received.
func (s sealKey) open(d quarantined) ([]byte, error) {
	if d.broken != nil {
		return nil, d.broken
	}
	text := d.Request
	if d.Sealed != "" {
		if s.missing != nil {
			return nil, fmt.Errorf("the request is sealed: %w", s.missing)
		}
		var err error
		if text, err = schema.OpenSealed(s.jwk, d.Sealed); err != nil {
			return nil, fmt.Errorf("the request is sealed: %w", err)
		}
	}
	if err := d.check(text); err != nil {
		return nil, err
	}
	return text, nil
}

// check refuses a request that is not the one that was verified when it came.
func (d quarantined) check(text []byte) error {
	if d.broken != nil {
		return d.broken
	}
	sum := sha256.Sum256(text)
	if d.ID != "quarantine-"+hex.EncodeToString(sum[:]) {
		return errors.New("the request was changed since it was received: its SHA-256 is not the one in its ID")
	}
	return nil
}

// A rereader reads requests again that could not be read when they came: with the providers and the configuration of
// today.
type rereader struct {
	sources config.Sources
	wire    schema.Wire
	made    map[string]provider.Provider // by source
}

func newRereader(sources config.Sources, wire schema.Wire) *rereader {
	return &rereader{sources, wire, map[string]provider.Provider{}}
}

// rewire is how events are encoded, as the way in does.
func (q *quarantine) rewire() (schema.Wire, error) {
	if err := q.config.EnsureSealKey(); err != nil {
		return schema.Wire{}, usageError{err}
	}
	sealer, err := q.config.Sealer()
	if err != nil {
		return schema.Wire{}, usageError{err}
	}
	return schema.Wire{
		Prefix: q.config.Stream.Prefix, Lifetimes: q.config.Stream.Lifetimes, Seal: sealer, MaxBytes: q.nats.MaxPayload(),
	}, nil
}

// read gives the messages of a delivery, from its request. The error says why it still cannot be read. It was verified
// when it came, and is not again: its signature may be stale, its secret rotated.
func (r *rereader) read(d quarantined, text []byte) ([]schema.Message, error) {
	p, err := r.provider(d)
	if err != nil {
		return nil, err
	}
	request, err := parseRequest(text)
	if err != nil {
		return nil, err
	}
	return r.messages(p, request, d)
}

// provider is today's of the source. What one provider signed is never read as another's.
func (r *rereader) provider(d quarantined) (provider.Provider, error) {
	source, ok := r.sources.Find(d.Source)
	switch {
	case !ok:
		return nil, fmt.Errorf("no source %s is configured", d.Source)
	case source.Provider != d.Provider:
		return nil, fmt.Errorf("source %s is of provider %s now, and the delivery of %s", d.Source, source.Provider, d.Provider)
	}
	if p := r.made[d.Source]; p != nil {
		return p, nil
	}
	p, err := newProvider(source)
	if err == nil {
		r.made[d.Source] = p
	}
	return p, err
}

// messages decodes and encodes, as the way in does. A provider that panics has not read it.
func (r *rereader) messages(
	p provider.Provider, request provider.Request, d quarantined,
) (messages []schema.Message, err error) {
	defer func() {
		if cause := recover(); cause != nil {
			messages, err = nil, fmt.Errorf("panic: %T", cause) // what it says may repeat the request
		}
	}()
	events, err := p.Decode(request)
	if err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	trace := ingress.Traceparent(request.Header[http.CanonicalHeaderKey(schema.HeaderTraceparent)])
	messages = make([]schema.Message, len(events))
	for i, e := range events {
		e.Source, e.Provider, e.Received = d.Source, d.Provider, d.Received
		if messages[i], err = r.wire.Encode(e, trace); err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(events), err)
		}
	}
	return messages, nil
}

// parseRequest reads HTTP/1.1 text into what a provider sees.
func parseRequest(text []byte) (provider.Request, error) {
	r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
	if err != nil {
		return provider.Request{}, errors.New("the request is no HTTP text")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return provider.Request{}, fmt.Errorf("the request's body: %w", err)
	}
	return provider.Request{Method: r.Method, Header: r.Header, Body: body, URL: &url.URL{
		Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery, ForceQuery: r.URL.ForceQuery,
	}}, nil
}
