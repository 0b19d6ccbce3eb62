package provider

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// The names of the document in which a transmitter of security events says where its keys are: that of the final
// framework, and the older one of RISC (OpenID Shared Signals Framework 1.0, section 7.2).
const (
	ssfConfiguration  = "ssf-configuration"
	riscConfiguration = "risc-configuration"
)

// wellKnown is the URL of such a document: its name goes between the host and the path of the issuer.
func wellKnown(issuer, name string) (string, error) {
	u, err := url.Parse(issuer)
	if err != nil {
		return "", errors.New("issuer: not a URL")
	}
	path := strings.TrimSuffix(u.EscapedPath(), "/")
	return u.Scheme + "://" + u.Host + "/.well-known/" + name + path, nil
}

// discover asks the issuer for the URL of its keys.
func (s *JWKS) discover(ctx context.Context) (string, error) {
	var errs []error
	for _, name := range []string{ssfConfiguration, riscConfiguration} {
		address, err := wellKnown(s.issuer, name)
		if err != nil {
			return "", err
		}
		text, err := s.get(ctx, address)
		if err == nil {
			return s.keysOf(text)
		}
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	return "", errors.Join(errs...)
}

// keysOf reads the document. It must be of our issuer, and may not lead from https to http.
func (s *JWKS) keysOf(text []byte) (string, error) {
	document, err := ParseObject(text)
	if err != nil {
		return "", fmt.Errorf("discovery: %w", err)
	}
	if document.Get("issuer").Text() != s.issuer {
		return "", errors.New("discovery: issuer: not the configured one")
	}
	address := document.Get("jwks_uri").Text()
	if err := checkJWKSURL(address, s.insecure); err != nil {
		return "", fmt.Errorf("discovery: jwks_uri: %w", err)
	}
	if strings.HasPrefix(s.issuer, "https:") && !strings.HasPrefix(address, "https:") {
		return "", errors.New("discovery: jwks_uri: no https")
	}
	return address, nil
}
