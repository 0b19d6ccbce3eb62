// Package scalekit reads the webhooks of Scalekit, which delivers through Svix and signs by Standard Webhooks: its ID,
// the time of the attempt and the raw body are covered by HMAC-SHA-256.
//
// The pages of Scalekit show other schemes too (scalekit-signature, t=…,v1=…); its SDKs have this one alone.
//
// Sources: scalekit-inc/developer-docs openapi/scalekit.yaml (webhooks) and implement-webhooks.mdx;
// scalekit-inc/scalekit-sdk-go scalekit.go; scalekit-inc/scalekit-sdk-node src/scalekit.ts.
package scalekit

import (
	"fmt"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// Provider is one webhook endpoint of a Scalekit environment.
type Provider struct {
	webhooks *provider.StandardWebhooks
	path     string // where samples go
	now      func() time.Time
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Signer   = (*Provider)(nil)
	_ provider.Sampler  = (*Provider)(nil)
)

// Options are the settings of a Scalekit source.
type Options struct {
	// Tolerance is how far the time of an attempt may be away from now, both ways, in whole seconds. Default: 5m, as
	// in Scalekit's SDKs.
	Tolerance time.Duration `yaml:"tolerance"`
}

// New makes the provider of one source. It refuses missing, empty and malformed secrets, unknown options and a
// tolerance below a second.
func New(c provider.Config) (provider.Provider, error) {
	var o Options
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("scalekit: %w", err)
		}
	}
	secrets, err := readSecrets(c)
	if err != nil {
		return nil, err
	}
	p := &Provider{path: c.Path, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	p.webhooks, err = provider.NewStandardWebhooks(provider.StandardWebhooksConfig{
		Secrets: secrets, Tolerance: o.Tolerance, Now: p.now,
	})
	if err != nil {
		return nil, fmt.Errorf("scalekit: %w", err)
	}
	return p, nil
}

// readSecrets demands a prefix that ends in _, as Scalekit's SDKs do; they take any, and so does this. Only the words
// for Ed25519 keys are refused: everybody may know a public key, so nothing is proved by a MAC that it keys.
func readSecrets(c provider.Config) ([]string, error) {
	if err := c.CheckSecrets(); err != nil {
		return nil, err
	}
	secrets := make([]string, len(c.Secrets))
	for i, s := range c.Secrets {
		prefix, key, found := strings.Cut(s, "_")
		switch {
		case !found || strings.ContainsAny(key, "|_"):
			return nil, fmt.Errorf("scalekit: secrets[%d]: want whsec_ and base64", i)
		case prefix == "whpk" || prefix == "whsk":
			return nil, fmt.Errorf("scalekit: secrets[%d]: is an Ed25519 key; Scalekit signs with a shared secret", i)
		}
		secrets[i] = "whsec_" + key
	}
	return secrets, nil
}

// Verify checks the headers webhook-id, webhook-timestamp and webhook-signature, or those that begin with svix-, against
// the raw body and the clock.
func (p *Provider) Verify(r provider.Request) error { return p.webhooks.Verify(r) }

// Sign signs a new attempt with the first secret. A webhook-id that is there stays.
func (p *Provider) Sign(r *provider.Request) error { return p.webhooks.Sign(r) }
