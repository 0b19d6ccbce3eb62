package generic

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// mtls checks the certificate of the client. It proves a connection and no content: an extra factor, never alone.
func mtls(o MTLSOptions) (check, error) {
	if hasEmpty(o.Names) {
		return check{}, errors.New("names: one is empty")
	}
	pins := make([][]byte, len(o.Pins))
	for i, text := range o.Pins {
		pin, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(pin) != sha256.Size {
			return check{}, errors.New("pins: one is not the base64 of a SHA-256")
		}
		pins[i] = pin
	}
	verify := func(r provider.Request) error {
		if r.TLS == nil || len(r.TLS.VerifiedChains) == 0 || len(r.TLS.PeerCertificates) == 0 {
			return errors.New("no verified client certificate")
		}
		leaf := r.TLS.PeerCertificates[0]
		switch {
		case len(o.Names) > 0 && !hasName(leaf, o.Names):
			return errors.New("the certificate has none of the names")
		case len(pins) > 0 && !hasPin(leaf, pins):
			return errors.New("the certificate has none of the pinned keys")
		}
		return nil
	}
	return check{verify: verify, sign: unsigned}, nil
}

// hasName reports whether a certificate has one of the names as a DNS name, mail address or URI. Wildcards are not
// expanded.
func hasName(c *x509.Certificate, names []string) bool {
	has := slices.Concat(c.DNSNames, c.EmailAddresses)
	for _, u := range c.URIs {
		has = append(has, u.String())
	}
	return slices.ContainsFunc(has, func(name string) bool {
		return slices.ContainsFunc(names, func(want string) bool { return strings.EqualFold(name, want) })
	})
}

func hasPin(c *x509.Certificate, pins [][]byte) bool {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return slices.ContainsFunc(pins, func(pin []byte) bool { return string(pin) == string(sum[:]) })
}

// network checks the address of the client: an extra factor, never alone.
func network(o NetworkOptions) (check, error) {
	if len(o.CIDRs) == 0 {
		return check{}, errors.New("cidrs: none")
	}
	prefixes := make([]netip.Prefix, len(o.CIDRs))
	for i, text := range o.CIDRs {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return check{}, fmt.Errorf("cidrs: %w", err)
		}
		prefixes[i] = prefix.Masked()
	}
	verify := func(r provider.Request) error {
		peer := r.Peer.Unmap().WithZone("")
		if !slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(peer) }) {
			return errors.New("the address is in none of the networks")
		}
		return nil
	}
	return check{verify: verify, sign: unsigned}, nil
}
