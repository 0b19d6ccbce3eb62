package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/generic"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/scalekit"
	"github.com/forebayhq/forebay/provider/set"
	"github.com/forebayhq/forebay/provider/ssofy"
)

// providers are all that there are. Adding one is a folder and a line here.
var providers = map[string]func(provider.Config) (provider.Provider, error){
	"asgardeo": asgardeo.New,
	"entrust":  entrust.New,
	"generic":  generic.New,
	"mgpass":   mgpass.New,
	"scalekit": scalekit.New,
	"set":      set.New,
	"ssofy":    ssofy.New,
}

func providerNames() []string { return slices.Sorted(maps.Keys(providers)) }

// developmentNames are those that development mode makes a source of: a generic source has no defaults.
func developmentNames() []string {
	return slices.DeleteFunc(providerNames(), func(name string) bool { return name == "generic" })
}

// develop is development mode, with the options that a provider cannot do without: a source of security event tokens
// has an issuer and an audience, and takes tokens that "forebay send" signs with its secret.
func develop(keep bool) (*config.Config, error) {
	c, err := config.Development("", developmentNames(), keep)
	if err != nil {
		return nil, err
	}
	for i, s := range c.Sources {
		if s.Provider == "set" {
			c.Sources[i].Options = trialOptions(c.PublicURL.JoinPath(s.Path).String())
		}
	}
	return c, nil
}

// trialOptions are those of a source of security event tokens that has a shared secret alone.
func trialOptions(audience string) func(into any) error {
	return func(into any) error {
		o, ok := into.(*set.Options)
		if !ok {
			return fmt.Errorf("options: %T", into)
		}
		o.Issuer, o.Audience = "https://transmitter.example.com", []string{audience}
		return nil
	}
}

// newSources makes the provider of every source. Its errors are those of all of them.
func newSources(c *config.Config) ([]ingress.Source, error) {
	var sources []ingress.Source
	var errs []error
	for _, s := range c.Sources {
		p, err := newProvider(s)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		sources = append(sources, ingress.Source{Name: s.Name, ProviderName: s.Provider, Path: s.Path, Provider: p})
	}
	return sources, errors.Join(errs...)
}

func newProvider(s config.Source) (provider.Provider, error) {
	var refused error // with file, line and key
	c := s.Config(time.Now)
	if decode := c.Options; decode != nil {
		c.Options = func(into any) error { refused = decode(into); return refused }
	}
	p, err := providers[s.Provider](c)
	if refused != nil {
		return nil, refused
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Where, err)
	}
	return p, nil
}
