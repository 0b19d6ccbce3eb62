package provider_test

import (
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/scalekit"
	"github.com/forebayhq/forebay/provider/ssofy"
)

// A timed is a provider whose way is measured: from a signed delivery to its events.
type timed struct {
	name, native string
	secret       string
	new          func(provider.Config) (provider.Provider, error)
	options      func(into any) error
}

var benchmarked = []timed{
	{"asgardeo", "", "benchmark-secret-0123456789abcdef", asgardeo.New, func(into any) error {
		into.(*asgardeo.Options).Registration = "user.created"
		return nil
	}},
	{"entrust", "", "benchmark-secret-0123456789abcdef", entrust.New, nil},
	{"mgpass", "user.login.success", "benchmark-secret-0123456789abcdef", mgpass.New, nil},
	{"scalekit", "", "whsec_YmVuY2htYXJrLXNlY3JldC0wMTIzNDU2Nzg5YWJjZGVm", scalekit.New, nil},
	{"ssofy", "otp_requested", "benchmark-secret-0123456789abcdef", ssofy.New, nil},
}

// signed makes a provider and a delivery of its own.
func (c timed) signed(b *testing.B) (provider.Provider, provider.Request) {
	b.Helper()
	p, err := c.new(provider.Config{
		Source: c.name, Secrets: []string{c.secret}, Path: "/webhooks/" + c.name,
		PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"}, Options: c.options, Now: time.Now,
	})
	if err != nil {
		b.Fatal(err)
	}
	sampler := p.(provider.Sampler)
	if c.native == "" {
		c.native = sampler.Natives()[0].Name
	}
	r, err := sampler.Sample(c.native)
	if err != nil {
		b.Fatal(err)
	}
	if err := p.(provider.Signer).Sign(&r); err != nil {
		b.Fatal(err)
	}
	return p, r
}

func BenchmarkVerify(b *testing.B) {
	for _, c := range benchmarked {
		b.Run(c.name, func(b *testing.B) {
			p, r := c.signed(b)
			b.ReportAllocs()
			for b.Loop() {
				if err := p.Verify(r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range benchmarked {
		b.Run(c.name, func(b *testing.B) {
			p, r := c.signed(b)
			b.ReportAllocs()
			for b.Loop() {
				if events, err := p.Decode(r); err != nil || len(events) == 0 {
					b.Fatal(len(events), err)
				}
			}
		})
	}
}
