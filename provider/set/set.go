// Package set reads Security Event Tokens (RFC 8417) that are pushed as RFC 8935 says, one signed token in each request:
// what Okta, Keycloak, Google, login.gov and others send by OpenID's Shared Signals Framework with its profiles CAEP and
// RISC.
//
// The signature covers the claims and nothing of the HTTP request, so the audience inside the token is what ties it to
// this source.
//
// Sources: RFC 8417, RFC 8935, RFC 9493; openid/sharedsignals (framework, CAEP, RISC, interoperability profile, OAuth
// event types).
package set

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// Provider is one stream of a transmitter.
type Provider struct {
	options Options
	set     *provider.JWKS  // nil: keys are shared secrets
	keys    []*provider.Key // nil: keys come from set
	secret  string          // the first of keys, to sign with
	path    string          // where samples go
	now     func() time.Time
}

var (
	_ provider.Provider     = (*Provider)(nil)
	_ provider.Answerer     = (*Provider)(nil)
	_ provider.Accepter     = (*Provider)(nil)
	_ provider.HeadVerifier = (*Provider)(nil)
	_ provider.Signer       = (*Provider)(nil)
	_ provider.Sampler      = (*Provider)(nil)
)

// minSecret is the least length of a shared secret in bytes (RFC 7518, section 3.2).
const minSecret = 32

// New makes the provider of one source. Issuer, audience and exactly one key source are required: a source without them
// does not start. With secrets the only algorithm is HS256.
func New(c provider.Config) (provider.Provider, error) {
	o := Options{Type: require, Aud: require, Expiry: forbid, MaxFuture: 5 * time.Minute}
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("set: %w", err)
		}
	}
	p := &Provider{options: o, path: c.Path, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	if err := p.options.check(); err != nil {
		return nil, fmt.Errorf("set: %w", err)
	}
	if err := p.readKeys(c); err != nil {
		return nil, fmt.Errorf("set: %w", err)
	}
	return p, nil
}

// readKeys takes the keys from the one place that is configured.
func (p *Provider) readKeys(c provider.Config) (err error) {
	o := &p.options
	if len(c.Secrets) > 0 {
		return p.readSecrets(c)
	}
	if o.sources() != 1 {
		return errors.New("keys: want exactly one of jwks_url, jwks_file, discovery and secrets")
	}
	if err := o.publicAlgorithms(); err != nil {
		return err
	}
	keys := provider.JWKSConfig{URL: o.JWKSURL, Now: p.now}
	switch {
	case o.Discovery:
		keys.Issuer = o.Issuer
	case o.JWKSFile != "":
		if keys.Text, err = os.ReadFile(string(o.JWKSFile)); err != nil {
			return fmt.Errorf("jwks_file: %w", err)
		}
	}
	p.set, err = provider.NewJWKS(keys)
	return err
}

func (p *Provider) readSecrets(c provider.Config) (err error) {
	if p.options.sources() > 0 {
		return errors.New("secrets: they are for HS256 alone, and jwks_url, jwks_file and discovery for public keys: want one of them")
	}
	if err := p.options.sharedAlgorithms(); err != nil {
		return err
	}
	if p.keys, err = c.HMACKeys(); err != nil {
		return err
	}
	for _, secret := range c.Secrets {
		if len(secret) < minSecret {
			return errors.New("secrets: one is shorter than 32 bytes, which HS256 asks for")
		}
	}
	p.secret = c.Secrets[0]
	return nil
}

// Accepts lists the media type of RFC 8935, and application/jwt where the options say so.
func (p *Provider) Accepts() provider.Accepts {
	types := []string{mediaType}
	if p.options.AcceptJWT {
		types = append(types, "application/jwt")
	}
	return provider.Accepts{Methods: []string{http.MethodPost}, ContentTypes: types}
}

// mediaType is that of a token by itself; typ is its second part.
const mediaType = "application/secevent+jwt"
