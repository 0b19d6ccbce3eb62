package generic

import (
	"slices"
	"time"

	"github.com/forebayhq/forebay/provider"
)

func (b *builder) standardWebhooks(o StandardWebhooksOptions) (check, error) {
	secrets, err := b.take(o.Secrets)
	if err != nil {
		return check{}, err
	}
	w, err := provider.NewStandardWebhooks(provider.StandardWebhooksConfig{
		Secrets: secrets, Prefixes: slices.Clone(o.Prefixes), Tolerance: o.Tolerance, Now: b.now,
	})
	if err != nil {
		return check{}, err
	}
	return check{verify: w.Verify, sign: w.Sign, proves: true}, nil
}

func (b *builder) httpSignature(o HTTPSignatureOptions) (check, error) {
	secrets, err := b.keys(o.Secrets, o.KeyEncoding, "")
	if err != nil {
		return check{}, err
	}
	keys, err := provider.Config{Secrets: secrets}.HMACKeys()
	if err != nil {
		return check{}, err
	}
	if len(o.Components) == 0 {
		o.Components = []string{"@method", "@target-uri", "content-digest"}
	}
	if o.Tolerance == 0 {
		o.Tolerance = 5 * time.Minute
	}
	s, err := provider.NewHTTPSignature(provider.HTTPSignatureConfig{
		Keys: keys, Label: or(o.Label, "sig"), Components: o.Components, Exact: o.Exact, RequireAlg: o.RequireAlg,
		Tolerance: o.Tolerance, RequireCreated: o.RequireCreated, KeyID: o.KeyID, PublicURL: b.publicURL, Now: b.now,
	})
	if err != nil {
		return check{}, err
	}
	return check{verify: s.Verify, sign: s.Sign, proves: true}, nil
}
