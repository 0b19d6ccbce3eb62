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
	"github.com/forebayhq/forebay/provider/ssofy"
)

// providers are all that there are. Adding one is a folder and a line here.
var providers = map[string]func(provider.Config) (provider.Provider, error){
	"asgardeo": asgardeo.New,
	"entrust":  entrust.New,
	"generic":  generic.New,
	"mgpass":   mgpass.New,
	"scalekit": scalekit.New,
	"ssofy":    ssofy.New,
}

func providerNames() []string { return slices.Sorted(maps.Keys(providers)) }

// developmentNames are those that development mode makes a source of: a generic source has no defaults.
func developmentNames() []string {
	return slices.DeleteFunc(providerNames(), func(name string) bool { return name == "generic" })
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
	p, err := providers[s.Provider](s.Config(time.Now))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Where, err)
	}
	return p, nil
}
