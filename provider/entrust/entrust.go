// Package entrust reads the webhooks of Entrust Identity as a Service: HTTP message signatures (RFC 9421) with the
// webhook token over method, URL and Content-Digest. Instant ID as a Service, a sister product, has other rules.
//
// The signature covers no other header, and no time where created is missing: then the guard against a captured request
// is dedupe on the ID inside the body.
//
// Sources: docs.trustedauth.com /developer/webhook/ (manage-webhooks, webhook-signature-verification, events).
package entrust

import (
	"fmt"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// Provider is one Entrust webhook.
type Provider struct {
	signature *provider.HTTPSignature
	path      string // where samples go
	now       func() time.Time
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Signer   = (*Provider)(nil)
	_ provider.Sampler  = (*Provider)(nil)
)

// Options are the settings of an Entrust source.
type Options struct {
	// TokenEncoding is how the webhook token becomes the key: text takes its bytes as they are, base64 and hex decode
	// it. Entrust does not say which; text is the default.
	TokenEncoding string `yaml:"token_encoding"`
	// Tolerance is how far created may be from our clock, on both sides. 0 switches that check off. The default is
	// 300 s: Entrust recommends none.
	Tolerance time.Duration `yaml:"tolerance"`
	// RequireCreated refuses signatures that do not say when they were made.
	RequireCreated bool `yaml:"require_created"`
	// KeyID is what keyid must be. Empty: anything, or nothing.
	KeyID string `yaml:"keyid"`
}

// New makes the provider of one source. It refuses missing or empty secrets, tokens that are not in their encoding,
// unknown options, a negative tolerance and a missing public_url.
func New(c provider.Config) (provider.Provider, error) {
	o := Options{TokenEncoding: "text", Tolerance: 300 * time.Second}
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("entrust: %w", err)
		}
	}
	keys, err := o.keys(c)
	if err != nil {
		return nil, fmt.Errorf("entrust: %w", err)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	signature, err := provider.NewHTTPSignature(provider.HTTPSignatureConfig{
		Keys: keys, Label: "sig", Components: []string{"@method", "@target-uri", "content-digest"},
		Exact: true, RequireAlg: true, Tolerance: o.Tolerance, RequireCreated: o.RequireCreated, KeyID: o.KeyID,
		PublicURL: c.PublicURL, Now: c.Now,
	})
	if err != nil {
		return nil, fmt.Errorf("entrust: %w", err)
	}
	return &Provider{signature: signature, path: c.Path, now: c.Now}, nil
}

// keys are the webhook tokens as keys, decoded.
func (o Options) keys(c provider.Config) ([]*provider.Key, error) {
	tokens := make([]string, len(c.Secrets))
	for i, token := range c.Secrets {
		key, err := provider.DecodeSecret(token, o.TokenEncoding, "token_encoding")
		if err != nil {
			return nil, err
		}
		tokens[i] = key
	}
	c.Secrets = tokens
	return c.HMACKeys()
}

// Verify checks the signature with the label sig over exactly @method, @target-uri and content-digest, its parameters,
// and the digest of the body. @target-uri is public_url and the request line's path and query.
func (p *Provider) Verify(r provider.Request) error { return p.signature.Verify(r) }

// Sign signs with the first token, created now.
func (p *Provider) Sign(r *provider.Request) error { return p.signature.Sign(r) }
