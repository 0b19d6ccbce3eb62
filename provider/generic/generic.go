// Package generic reads the webhooks of products that have no provider of their own: the configuration says how they are
// verified, where in the payload things stand, and which action each native action is.
//
// Whatever the configuration says, verification looks at the raw bytes alone, and a tree of verifiers that leaves the
// content to strangers is refused at start.
package generic

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Provider is one source of a product that the configuration describes.
type Provider struct {
	options Options
	root    check
	reader  reader
	secrets []*credentialCheck // what every delivery repeats
	path    string             // where samples go
	now     func() time.Time
}

var (
	_ provider.Provider   = (*Provider)(nil)
	_ provider.Handshaker = (*Provider)(nil)
	_ provider.Answerer   = (*Provider)(nil)
	_ provider.Accepter   = (*Provider)(nil)
	_ provider.Concealer  = (*Provider)(nil)
	_ provider.Signer     = (*Provider)(nil)
	_ provider.Sampler    = (*Provider)(nil)
)

// New makes the provider of one source. It refuses unknown and missing options, empty keys, and a tree of verifiers that
// does not prove the content: a template without {body}, a token in a header without a body hash, a credential alone
// unless that is asked for. It opens no connection.
func New(c provider.Config) (provider.Provider, error) {
	p, err := newProvider(c)
	if err != nil {
		return nil, fmt.Errorf("generic: %w", err)
	}
	return p, nil
}

func newProvider(c provider.Config) (*Provider, error) {
	if c.Options == nil {
		return nil, errors.New("no options: say under the key generic how deliveries are verified and read; it has no defaults")
	}
	var o Options
	if err := c.Options(&o); err != nil {
		return nil, err
	}
	if slices.Contains(c.Secrets, "") {
		return nil, errors.New("secrets: one is empty")
	}
	p := &Provider{options: o, path: c.Path, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	var err error
	b := builder{secrets: c.Secrets, used: make(map[int]bool), publicURL: c.PublicURL, now: p.now}
	if p.root, err = b.tree(o.Verify); err != nil {
		return nil, err
	}
	p.secrets = b.credentials
	if p.reader, err = newReader(o, p.root.token, p.secrets); err != nil {
		return nil, err
	}
	if o.Answer != "" && o.Answer != "json" && o.Answer != "empty" {
		return nil, errors.New("answer: not json or empty")
	}
	if err := o.checkAccepts(); err != nil {
		return nil, err
	}
	return p, o.Handshake.check()
}

// checkAccepts refuses methods and content types that no delivery has.
func (o Options) checkAccepts() error {
	carries := len(o.Methods) == 0
	for _, m := range o.Methods {
		if m == "" || m != strings.ToUpper(m) {
			return fmt.Errorf("methods: %q: write it in upper case: POST", m)
		}
		carries = carries || m != http.MethodGet && m != http.MethodHead
	}
	if !carries {
		return errors.New("methods: GET and HEAD carry no events: add POST")
	}
	for _, t := range o.ContentTypes {
		media, _, err := mime.ParseMediaType(t)
		if err != nil || media != t || !strings.Contains(t, "/") || strings.Contains(t, "*") {
			return fmt.Errorf("content_types: %q: want a media type in lower case, without parameters and *: application/json", t)
		}
	}
	return nil
}

// Verify asks the tree of verifiers.
func (p *Provider) Verify(r provider.Request) error { return p.root.verify(r) }

// Decode gives the events of a verified request. The payload is the body, an element of its array, or the claims of the
// token that the body is or holds; then the event keeps the token.
func (p *Provider) Decode(r provider.Request) ([]schema.Event, error) { return p.reader.decode(r) }

// Conceal takes out the fixed secrets by which the tree knows the sender.
func (p *Provider) Conceal(r provider.Request) provider.Request {
	for _, c := range p.secrets {
		r = c.conceal(r)
	}
	return r
}

// Sign signs as the sender does, where it does so with a secret. Tokens of a key set cannot be made.
func (p *Provider) Sign(r *provider.Request) error { return p.root.sign(r) }

// Accepts gives the configured methods and content types.
func (p *Provider) Accepts() provider.Accepts {
	return provider.Accepts{Methods: p.options.Methods, ContentTypes: p.options.ContentTypes}
}

// Answer leaves the body of a success empty where that is configured.
func (p *Provider) Answer(_ provider.Request, o provider.Outcome) provider.Answer {
	if o.Step == provider.Accepted && p.options.Answer == "empty" {
		return provider.Answer{Status: http.StatusNoContent}
	}
	return provider.Answer{}
}
