// Package asgardeo reads the webhooks of Asgardeo (the WSO2 Identity Platform) and of WSO2 Identity Server. They come in
// two ways: through a WSO2 WebSubHub, which asks first by a handshake, or straight from a server's HTTP publisher.
//
// The raw body is signed, in either way, and nothing else: no time, URL or header. So the guard against a captured
// request is dedupe on the ID inside the body. A handshake is not signed at all: its guard is the list of topics.
//
// Sources: wso2/docs-is en/includes/guides/webhooks/; wso2-extensions/identity-webhook-event-handlers;
// wso2-extensions/identity-event-publishers; wso2/product-integrator-websubhub; W3C WebSub.
package asgardeo

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Provider is one Asgardeo organization or Identity Server tenant.
type Provider struct {
	keys    []*provider.Key
	path    string // where samples go
	options Options
	now     func() time.Time
}

var (
	_ provider.Provider   = (*Provider)(nil)
	_ provider.Handshaker = (*Provider)(nil)
	_ provider.Accepter   = (*Provider)(nil)
	_ provider.Signer     = (*Provider)(nil)
	_ provider.Sampler    = (*Provider)(nil)
)

// Options are the settings of an Asgardeo source.
type Options struct {
	// Mode is how deliveries come: hub, direct or auto. auto looks at which signature header is there, refuses a
	// request that carries both, and answers the handshake.
	Mode Mode `yaml:"mode"`
	// Topics are the WebSub topics that a hub may subscribe this source to; * stands for any run of characters, full
	// stops included. An empty list matches nothing: every handshake is answered 404.
	Topics []string `yaml:"topics"`
	// Registration is the action of registrationSuccess: user.created, or registration.completed for a source that
	// gets userCreated too, which reports the same account again.
	Registration schema.Action `yaml:"registration"`
	// Unsubscribe confirms removals in the console. Without it they fail there.
	Unsubscribe bool `yaml:"unsubscribe"`
	// SHA1 accepts signatures made with SHA-1, which WebSub knows and no WSO2 hub uses.
	SHA1 bool `yaml:"sha1"`
}

// A Mode is a way of delivery.
type Mode string

// The modes of a source.
const (
	Hub    Mode = "hub"    // a WebSub hub: X-Hub-Signature and the handshake
	Direct Mode = "direct" // the HTTP publisher of an Identity Server: x-wso2-event-signature, no handshake
	Auto   Mode = "auto"   // whichever comes
)

// What registrationSuccess may become.
const (
	userCreated           schema.Action = "user.created"
	registrationCompleted schema.Action = "registration.completed"
)

// New makes the provider of one source. It refuses missing or empty secrets, unknown options, and values that they do
// not have. Secrets are used as they are: blanks are part of them.
func New(c provider.Config) (provider.Provider, error) {
	keys, err := c.HMACKeys()
	if err != nil {
		return nil, err
	}
	o := Options{Mode: Auto, Registration: userCreated, Unsubscribe: true}
	if c.Options != nil {
		if err := c.Options(&o); err != nil {
			return nil, fmt.Errorf("asgardeo: %w", err)
		}
	}
	if err := o.check(); err != nil {
		return nil, fmt.Errorf("asgardeo: %w", err)
	}
	p := &Provider{keys: keys, path: c.Path, options: o, now: c.Now}
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

func (o Options) check() error {
	switch {
	case o.Mode != Hub && o.Mode != Direct && o.Mode != Auto:
		return errors.New("mode: not hub, direct or auto")
	case o.Registration != userCreated && o.Registration != registrationCompleted:
		return errors.New("registration: not user.created or registration.completed")
	case slices.Contains(o.Topics, ""):
		return errors.New("topics: one is empty")
	}
	return nil
}

// Accepts lists GET for the handshake, which the direct publisher does not have.
func (p *Provider) Accepts() provider.Accepts {
	if p.options.Mode == Direct {
		return provider.Accepts{}
	}
	return provider.Accepts{Methods: []string{http.MethodGet, http.MethodPost}}
}
