package main

import (
	"cmp"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
)

// A target is what deliveries are made for: one source, and where it is called.
type target struct {
	source   config.Source
	url      *url.URL
	client   *http.Client
	provider provider.Provider
	sampler  provider.Sampler
	signer   provider.Signer
	secret   bool   // it was given in the call
	hint     string // what to look at when nothing answers, or a signature is refused
}

// answerTime is how long an answer may take.
const answerTime = 30 * time.Second

// target finds the source that is meant, and makes its provider.
func (s *sendCommand) target(c *config.Config) (*target, error) {
	source, err := s.source(c)
	if err != nil {
		return nil, err
	}
	if s.Secret != "" {
		source.Secrets = []config.Secret{config.Secret(s.Secret)}
	}
	t := &target{source: source, secret: s.Secret != "", client: &http.Client{
		Timeout:       answerTime,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	if s.To != "" {
		err = t.aimAt(s.To)
	} else {
		err = t.aimAtListener(c, cmp.Or(s.Listener, c.Listen))
	}
	if err != nil {
		return nil, err
	}
	if t.provider, err = newProvider(t.source); err != nil {
		return nil, err
	}
	var samples, signs bool
	t.sampler, samples = t.provider.(provider.Sampler)
	t.signer, signs = t.provider.(provider.Signer)
	if !samples || !signs {
		return nil, fmt.Errorf("deliveries of %s cannot be made here: only the provider can sign them", source.Provider)
	}
	return t, nil
}

// source is the one named by --source, the one that PROVIDER names, or the only one of the provider.
func (s *sendCommand) source(c *config.Config) (config.Source, error) {
	name := s.Source
	if _, named := c.Sources.Find(s.Provider); name == "" && named {
		name = s.Provider
	}
	if name != "" {
		source, ok := c.Sources.Find(name)
		if !ok {
			return source, fmt.Errorf("no source %q is configured; there are: %s", name, sourceNames(c.Sources))
		}
		if s.Provider != source.Provider && s.Provider != name {
			return source, fmt.Errorf("source %s is of provider %s, not %s", name, source.Provider, s.Provider)
		}
		return source, nil
	}
	var of config.Sources
	for _, source := range c.Sources {
		if source.Provider == s.Provider {
			of = append(of, source)
		}
	}
	switch {
	case providers[s.Provider] == nil:
		return config.Source{}, fmt.Errorf("no provider or source %q; providers: %s; sources: %s",
			s.Provider, strings.Join(providerNames(), ", "), sourceNames(c.Sources))
	case len(of) == 1:
		return of[0], nil
	case len(of) > 1:
		return config.Source{}, fmt.Errorf("provider %s has several sources: choose with --source: %s",
			s.Provider, sourceNames(of))
	case s.Secret != "" && s.To != "":
		return config.Source{Name: s.Provider, Provider: s.Provider, Path: "/webhooks/" + s.Provider, Where: "send"}, nil
	}
	return config.Source{}, fmt.Errorf("no source of provider %s is configured: add one, or give --secret and --to",
		s.Provider)
}

func sourceNames(sources config.Sources) string {
	names := make([]string, len(sources))
	for i, s := range sources {
		names[i] = s.Name
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// aimAt calls a URL as it is written. Providers that sign the URL sign this one: what public_url says does not count.
func (t *target) aimAt(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("--to: want a URL such as https://hooks.example.com/webhooks/ssofy")
	}
	if u.Path == "" {
		if u.Path, err = url.PathUnescape(t.source.Path); err != nil {
			return fmt.Errorf("path of source %s: %w", t.source.Name, err)
		}
		u.RawPath = t.source.Path
	}
	t.url = u
	t.source.PublicURL = config.URL{URL: &url.URL{Scheme: u.Scheme, Host: u.Host}}
	t.hint = "look at the URL, the secret and the path that --to names"
	return nil
}

// aimAtListener calls the listener that the configuration names, which is reached at an address.
func (t *target) aimAtListener(c *config.Config, address string) error {
	address, err := dialable(address)
	if err != nil {
		return fmt.Errorf("listen: %w: say --to URL", err)
	}
	scheme := "http"
	if c.TLS.Enabled() {
		scheme = "https"
		if err := t.trust(c.TLS); err != nil {
			return err
		}
	}
	t.hint = `is "forebay serve" running with this configuration?`
	if c.File == "" {
		t.hint = `is "forebay serve" running in this folder?`
	}
	t.url, err = url.Parse(scheme + "://" + address + t.source.Path)
	return err
}

// trust takes exactly the configured certificate: it names the public host, while we call an address of this machine.
func (t *target) trust(c config.TLS) error {
	own, err := tls.LoadX509KeyPair(string(c.Cert), string(c.Key))
	if err != nil {
		return fmt.Errorf("tls: %w", err)
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // the next line is stricter
		VerifyConnection: func(state tls.ConnectionState) error {
			leaf, err := x509.ParseCertificate(own.Certificate[0])
			if err != nil || !leaf.Equal(state.PeerCertificates[0]) {
				return errors.New("the listener has another certificate than tls.cert")
			}
			return nil
		},
	}
	t.client.Transport = transport
	return nil
}
