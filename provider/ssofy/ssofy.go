// Package ssofy reads the webhooks of SSOfy (Cubelet Ltd.): a salted HMAC over the path and the values of the body.
//
// The signature covers neither names nor structure nor time: from one captured request anybody can make others with the
// same hash. So the hash is the event's ID (every variant is the same event and falls to dedupe), and each action has
// required members.
//
// Sources: ssofy.com/docs (ResourceServer/Events, Signature/Algorithm); ssofy/node-sdk src/SignatureVerifier.ts;
// ssofy/php-sdk src/SSOfy/SignatureVerifier.php.
package ssofy

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// Provider is one SSOfy application.
type Provider struct {
	keys       []*provider.Key
	prefix     string // the path of public_url, without a slash at its end
	path       string // where samples go
	strictSalt bool
}

var (
	_ provider.Provider = (*Provider)(nil)
	_ provider.Answerer = (*Provider)(nil)
	_ provider.Signer   = (*Provider)(nil)
	_ provider.Sampler  = (*Provider)(nil)
)

// Options are the settings of an SSOfy source.
type Options struct {
	// StrictSalt refuses salts that are not 6 to 32 printable ASCII characters. SSOfy documents that length, its own
	// verifiers do not check it.
	StrictSalt bool `yaml:"strict_salt"`
}

// New makes the provider of one source. It refuses missing or empty secrets and unknown options.
func New(c provider.Config) (provider.Provider, error) {
	keys, err := c.HMACKeys()
	if err != nil {
		return nil, err
	}
	var o Options
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("ssofy: %w", err)
		}
	}
	p := &Provider{keys: keys, path: c.Path, strictSalt: o.StrictSalt}
	if c.PublicURL != nil {
		p.prefix = strings.TrimSuffix(provider.WrittenPath(c.PublicURL), "/")
	}
	return p, nil
}

// Verify checks the Signature header against path and body.
func (p *Provider) Verify(r provider.Request) error {
	_, err := p.match(r)
	return err
}

// Answer is 200, signed, for what was stored, and 400 for everything that SSOfy should not have sent.
func (p *Provider) Answer(r provider.Request, o provider.Outcome) provider.Answer {
	h := http.Header{"Content-Type": {"application/json"}}
	if o.Step != provider.Accepted {
		return provider.Answer{Status: http.StatusBadRequest, Header: h, Body: []byte(`{}`)}
	}
	const success = `{"success":true}`
	const values = "1" // of {"success":true}
	h[header] = []string{sign(p.answeringKey(r), p.signedPath(r.URL)+values, newSalt())}
	return provider.Answer{Status: http.StatusOK, Header: h, Body: []byte(success)}
}

// Sign signs in the form of SSOfy's Node library, with the first secret and a fresh salt. The path of public_url is
// put in front of the request's, as Verify does.
func (p *Provider) Sign(r *provider.Request) error {
	body, err := provider.ParseBounded(r.Body, maxValues)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	message, _ := appendValues([]byte(p.signedPath(r.URL)), signedValues(body), appendNodeNumber)
	if r.Header == nil {
		r.Header = http.Header{}
	}
	r.Header.Set(header, sign(p.keys[0], string(message), newSalt()))
	return nil
}

// match gives the key under which r is signed.
func (p *Provider) match(r provider.Request) (*provider.Key, error) {
	s, err := readSignature(r.Header)
	if err != nil {
		return nil, err
	}
	if p.strictSalt && !documentedSalt(s.salt) {
		return nil, errors.New("header Signature: salt: not 6 to 32 printable ASCII characters")
	}
	body, err := provider.ParseBounded(r.Body, maxValues)
	if err != nil {
		return nil, err
	}
	if !body.WellFormed() {
		return nil, errors.New("body: half of a surrogate pair")
	}
	return p.matchForms(p.signedPath(r.URL), body, s)
}

// matchForms tries the numbers as Node writes them, then, where there are any, as PHP does: the signer is not public.
func (p *Provider) matchForms(path string, body provider.Value, s signature) (*provider.Key, error) {
	values := signedValues(body)
	message := make([]byte, 0, len(path)+len(body.Raw())+len(s.salt))
	for _, form := range []numberForm{appendNodeNumber, appendPHPNumber} {
		var numbers bool
		message, numbers = appendValues(append(message[:0], path...), values, form)
		message = append(message, s.salt...)
		if key := provider.FindKey(p.keys, message, s.mac); key != nil {
			return key, nil
		}
		if !numbers {
			break
		}
	}
	return nil, errors.New("signature: does not fit")
}

// answeringKey is the one that verified r.
func (p *Provider) answeringKey(r provider.Request) *provider.Key {
	if len(p.keys) > 1 {
		if key, err := p.match(r); err == nil {
			return key
		}
	}
	return p.keys[0]
}
