package main

import (
	"errors"
	"fmt"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
)

// checkSources makes the provider of every source, and lets it read what it signs with the source's own secret.
func checkSources(c *config.Config) (found []finding) {
	for _, s := range c.Sources {
		name := "source " + s.Name
		p, err := newProvider(s)
		if err != nil {
			found = append(found, finding{name, fail, err.Error()})
			continue
		}
		n, err := roundTrips(p)
		switch {
		case err != nil:
			found = append(found, finding{name, fail, err.Error()})
		case n == 0:
			found = append(found, finding{name, ok, fmt.Sprintf("%s at %s", s.Provider, s.Path)})
		default:
			found = append(found, finding{name, ok,
				fmt.Sprintf("%s at %s: %d native actions signed, verified and read", s.Provider, s.Path, n)})
		}
	}
	return found
}

// roundTrips makes, signs, verifies and reads a delivery of every documented action. It counts none where only the
// provider itself can sign.
func roundTrips(p provider.Provider) (n int, err error) {
	sampler, samples := p.(provider.Sampler)
	signer, signs := p.(provider.Signer)
	if !samples || !signs {
		return 0, nil
	}
	for _, native := range sampler.Natives() {
		if err := roundTrip(p, sampler, signer, native); err != nil {
			return n, fmt.Errorf("%s: %w", native.Name, err)
		}
		n++
	}
	return n, nil
}

func roundTrip(p provider.Provider, sampler provider.Sampler, signer provider.Signer, native provider.Native) error {
	r, err := sampler.Sample(native.Name)
	if err != nil {
		return err
	}
	if p.Verify(r) == nil {
		return errors.New("accepted without a signature")
	}
	if err := signer.Sign(&r); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	if err := p.Verify(r); err != nil {
		return fmt.Errorf("verify what was signed: %w", err)
	}
	events, err := p.Decode(r)
	if err != nil {
		return fmt.Errorf("decode: %w", err)
	}
	if len(events) == 0 || events[0].Action != native.Action {
		return fmt.Errorf("decode: not one event %s", native.Action)
	}
	return nil
}
