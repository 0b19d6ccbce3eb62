package set

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// Options are the settings of a source of security event tokens.
type Options struct {
	// Issuer is iss, character by character: a slash at its end counts. Required.
	Issuer string `yaml:"issuer"`
	// Audience is what aud must name one of. Required. Give each source an audience of its own.
	Audience []string `yaml:"audience"`

	// JWKSURL is where the transmitter's public keys are. https, or http where the host is this machine.
	JWKSURL string `yaml:"jwks_url"`
	// JWKSFile is a file with them. It is read at the start and by a reload.
	JWKSFile provider.Path `yaml:"jwks_file"`
	// Discovery asks the issuer where they are: jwks_uri of its ssf-configuration or risc-configuration.
	Discovery bool `yaml:"discovery"`
	// Algorithms are those that may sign. Default: RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA; with
	// secrets HS256, which is then the only one.
	Algorithms []string `yaml:"algorithms"`

	// Type says whether typ must be there: require, or optional for transmitters that send none.
	Type rule `yaml:"typ"`
	// Aud says whether aud must be there: require or optional. One that is there must fit.
	Aud rule `yaml:"aud"`
	// Expiry says what becomes of exp: forbid (the framework's rule), enforce or ignore.
	Expiry rule `yaml:"exp"`

	// Authorization is the value of the header Authorization that the transmitter was told to send. Empty: not looked at.
	Authorization string `yaml:"authorization"`
	// MaxFuture is how far iat may be ahead of the clock. Default: 300s.
	MaxFuture time.Duration `yaml:"max_future"`
	// MaxAge is how old iat may be. 0: any age, as these tokens are history and may be repeated late.
	MaxAge time.Duration `yaml:"max_age"`
	// AcceptJWT takes the content type application/jwt too.
	AcceptJWT bool `yaml:"accept_jwt"`
}

// A rule is what is demanded of a part of the token.
type rule string

const (
	require  rule = "require"
	optional rule = "optional"
	forbid   rule = "forbid"
	enforce  rule = "enforce"
	ignore   rule = "ignore"
)

func (o *Options) check() error {
	switch {
	case o.Issuer == "":
		return errors.New("issuer: missing")
	case len(o.Audience) == 0 || slices.Contains(o.Audience, ""):
		return errors.New("audience: missing, or one is empty")
	case o.Type != require && o.Type != optional:
		return errors.New("typ: not require or optional")
	case o.Aud != require && o.Aud != optional:
		return errors.New("aud: not require or optional")
	case o.Expiry != forbid && o.Expiry != enforce && o.Expiry != ignore:
		return errors.New("exp: not forbid, enforce or ignore")
	case o.MaxFuture < 0 || o.MaxAge < 0:
		return errors.New("max_future, max_age: below zero")
	}
	return nil
}

// sources counts the places of public keys.
func (o *Options) sources() (n int) {
	for _, given := range []bool{o.JWKSURL != "", o.JWKSFile != "", o.Discovery} {
		if given {
			n++
		}
	}
	return n
}

func (o *Options) publicAlgorithms() error {
	known := provider.AsymmetricAlgorithms()
	if len(o.Algorithms) == 0 {
		o.Algorithms = known
	}
	for _, name := range o.Algorithms {
		if !slices.Contains(known, name) {
			return fmt.Errorf("algorithms: %q cannot be used with public keys", name)
		}
	}
	return nil
}

func (o *Options) sharedAlgorithms() error {
	if len(o.Algorithms) == 0 {
		o.Algorithms = []string{hs256}
	}
	for _, name := range o.Algorithms {
		if name != hs256 {
			return fmt.Errorf("algorithms: %q: with secrets HS256 is the only one", name)
		}
	}
	return nil
}

const hs256 = "HS256"
