package generic

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// A check is a verifier that was made: a leaf of the tree, or a branch of it.
type check struct {
	verify func(provider.Request) error
	sign   func(*provider.Request) error
	proves bool        // what passes has the content that the sender gave it, or the operator does without that
	token  *tokenPlace // where the token stands that is the delivery; nil: the body is
}

// A builder makes the tree of one source.
type builder struct {
	secrets   []string
	used      map[int]bool // the secrets that a verifier takes, by their number from 1
	all       int          // verifiers that take all secrets
	takers    int          // verifiers that take secrets
	publicURL *url.URL
	now       func() time.Time

	credentials []*credentialCheck
}

// tree makes the tree, and refuses one that proves nothing.
func (b *builder) tree(n Node) (check, error) {
	c, err := b.node(n)
	switch {
	case err != nil:
		return c, fmt.Errorf("verify: %w", err)
	case !c.proves:
		return c, errors.New("verify: nothing proves what was sent: network and mtls are never enough, and a credential " +
			"proves who sends but not what: accept that with unsigned: true, or add a signature")
	case b.all > 0 && b.takers > 1:
		return c, errors.New("verify: several verifiers take secrets: say in each which, secrets: [1]")
	case b.all == 0 && len(b.used) < len(b.secrets):
		return c, errors.New("verify: a secret is configured that no verifier takes")
	}
	return c, nil
}

const verifiers = "all_of, any_of, hmac, standard-webhooks, jwt, credential, http-signature, mtls, network"

// node makes one verifier and what is below it. The error names the verifier.
func (b *builder) node(n Node) (check, error) {
	switch keys := n.keys(); len(keys) {
	case 0:
		return check{}, errors.New("no verifier: want one of " + verifiers)
	case 1:
		c, err := b.make(n)
		if err != nil {
			return c, fmt.Errorf("%s: %w", keys[0], err)
		}
		return c.named(keys[0]), nil
	default:
		return check{}, fmt.Errorf("several verifiers at once, %q: join them by all_of or any_of", keys)
	}
}

// keys are the verifiers that a node has.
func (n Node) keys() (keys []string) {
	there := []bool{
		n.AllOf != nil, n.AnyOf != nil, n.HMAC != nil, n.StandardWebhooks != nil, n.JWT != nil, n.Credential != nil,
		n.HTTPSignature != nil, n.MTLS != nil, n.Network != nil,
	}
	for i, name := range strings.Split(verifiers, ", ") {
		if there[i] {
			keys = append(keys, name)
		}
	}
	return keys
}

// make makes the one verifier that a node has.
func (b *builder) make(n Node) (check, error) {
	switch {
	case n.AllOf != nil:
		return b.branch(n.AllOf, allOf)
	case n.AnyOf != nil:
		return b.branch(n.AnyOf, anyOf)
	case n.HMAC != nil:
		return b.hmac(*n.HMAC)
	case n.StandardWebhooks != nil:
		return b.standardWebhooks(*n.StandardWebhooks)
	case n.JWT != nil:
		return b.jwt(*n.JWT)
	case n.Credential != nil:
		return b.credential(*n.Credential)
	case n.HTTPSignature != nil:
		return b.httpSignature(*n.HTTPSignature)
	case n.MTLS != nil:
		return mtls(*n.MTLS)
	default:
		return network(*n.Network)
	}
}

// named puts the verifier's name before its errors.
func (c check) named(name string) check {
	verify := c.verify
	c.verify = func(r provider.Request) error {
		if err := verify(r); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	}
	return c
}

// branch makes the verifiers of a list and joins them.
func (b *builder) branch(nodes []Node, join func([]check) (check, error)) (check, error) {
	if len(nodes) == 0 {
		return check{}, errors.New("empty")
	}
	checks := make([]check, len(nodes))
	for i, n := range nodes {
		var err error
		if checks[i], err = b.node(n); err != nil {
			return check{}, fmt.Errorf("[%d]: %w", i+1, err)
		}
	}
	return join(checks)
}

// allOf passes what every check passes. A refusal counts more than a check that cannot decide now.
func allOf(checks []check) (check, error) {
	joined := check{
		verify: func(r provider.Request) (undecided error) {
			for _, c := range checks {
				if err := c.verify(r); err != nil && !provider.IsUnavailable(err) {
					return err
				} else if err != nil {
					undecided = err
				}
			}
			return undecided
		},
		sign: func(r *provider.Request) error {
			for _, c := range checks {
				if err := c.sign(r); err != nil {
					return err
				}
			}
			return nil
		},
	}
	for _, c := range checks {
		joined.proves = joined.proves || c.proves
		if c.token == nil {
			continue
		}
		if joined.token != nil {
			return joined, errors.New("several tokens: which one is the payload?")
		}
		joined.token = c.token
	}
	return joined, nil
}

// anyOf passes what one check passes. Where none does, one that cannot decide now leaves it open.
func anyOf(checks []check) (check, error) {
	joined := check{
		verify: func(r provider.Request) error { return verifyAny(checks, r) },
		sign:   func(r *provider.Request) error { return signAny(checks, r) },
		proves: true,
		token:  checks[0].token,
	}
	for _, c := range checks {
		joined.proves = joined.proves && c.proves
		if !c.token.equal(joined.token) {
			return joined, errors.New("the payload must stand in the same place for all: make two sources of it")
		}
	}
	return joined, nil
}

func verifyAny(checks []check, r provider.Request) (refusals error) {
	for _, c := range checks {
		err := c.verify(r)
		switch {
		case err == nil:
			return nil
		case refusals == nil:
			refusals = err
		default:
			refusals = fmt.Errorf("%w; %w", refusals, err)
		}
	}
	return refusals
}

// signAny signs with the first check that can.
func signAny(checks []check, r *provider.Request) (err error) {
	for _, c := range checks {
		signed := *r
		signed.Header = r.Header.Clone()
		if err = c.sign(&signed); err == nil {
			*r = signed
			return nil
		}
	}
	return err
}

// unsigned is the sign of checks that have nothing to add to a request.
func unsigned(*provider.Request) error { return nil }

func header(r *provider.Request) http.Header {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	return r.Header
}
