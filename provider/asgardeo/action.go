package asgardeo

import (
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// action maps a native action, with the fields that decide.
func (p *Provider) action(native string, data provider.Value) schema.Action {
	if native == "registrationSuccess" {
		return p.options.Registration
	}
	if a := provider.WSO2Action(native, data); a != "" {
		return a
	}
	if a := provider.SignalAction(native, data); a != "" {
		return a
	}
	return schema.Other(native)
}
