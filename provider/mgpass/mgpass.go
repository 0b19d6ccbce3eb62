// Package mgpass reads the webhooks of mgPass: identity events, and by the same mechanism the rewards events of its
// loyalty product. The raw body is signed with HMAC-SHA-256; no time, URL or header is, so that the guard against a
// captured request is dedupe on the ID inside the body.
//
// Sources: docs.mgdm.dev /guides/webhooks, /guides/webhooks-identity; docs.mgpass.net /guides/webhooks-identity.
package mgpass

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/forebayhq/forebay/provider"
)

const header = "X-Webhook-Signature"

// Provider is one mgPass webhook.
type Provider struct {
	keys   []*provider.Key
	path   string // where samples go
	maxAge time.Duration
	now    func() time.Time
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Signer   = (*Provider)(nil)
	_ provider.Sampler  = (*Provider)(nil)
)

// Options are the settings of an mgPass source.
type Options struct {
	// MaxAge refuses events whose own time is longer ago. 0 is off: mgPass does not say for how long it repeats.
	MaxAge time.Duration `yaml:"max_age"`
}

// New makes the provider of one source. It refuses missing or empty secrets, unknown options and a negative age.
func New(c provider.Config) (provider.Provider, error) {
	keys, err := c.HMACKeys()
	if err != nil {
		return nil, err
	}
	var o Options
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("mgpass: %w", err)
		}
	}
	if o.MaxAge < 0 {
		return nil, errors.New("mgpass: max_age: negative")
	}
	p := &Provider{keys: keys, path: c.Path, maxAge: o.MaxAge, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

// Verify checks the bare hex digest in X-Webhook-Signature against the raw body and then, with max_age, the event's
// age. What is signed and tells no time has no age.
func (p *Provider) Verify(r provider.Request) error {
	text, err := provider.OneHeader(r.Header, header)
	if err != nil {
		return err
	}
	mac, err := provider.HexSHA256(text)
	if err != nil {
		return fmt.Errorf("header %s: %w", header, err)
	}
	if provider.FindKey(p.keys, r.Body, mac) == nil {
		return errors.New("signature: does not fit")
	}
	return p.checkAge(r.Body)
}

// checkAge compares whole seconds.
func (p *Provider) checkAge(body []byte) error {
	if p.maxAge == 0 {
		return nil
	}
	v, err := provider.ParseObject(body)
	if err != nil {
		return nil // genuine, but unreadable: that is for Decode to say
	}
	t := eventTime(v)
	if !t.IsZero() && p.now().Truncate(time.Second).Sub(t.Truncate(time.Second)) > p.maxAge {
		return errors.New("stale: older than max_age")
	}
	return nil
}

// Sign puts the HMAC of the body, under the first secret, into X-Webhook-Signature.
func (p *Provider) Sign(r *provider.Request) error {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	mac := p.keys[0].Sum(r.Body)
	r.Header.Set(header, hex.EncodeToString(mac[:]))
	return nil
}
