// Package provider is the contract between Forebay and the products that send webhooks, and the verifiers that several
// of them share. A provider is a folder below this one; it never sees a ResponseWriter, a router or NATS.
package provider

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// A Request is a delivery as it arrived, nothing dropped: Body is raw, URL keeps the escapes of the request line.
type Request struct {
	Method string
	URL    *url.URL
	Header http.Header
	Body   []byte

	// Peer is who sent the request: behind trusted proxies the client they name, else the other end of the connection.
	// Invalid where nobody knows: samples, tests.
	Peer netip.Addr
	// TLS is the connection that the request came over; nil without TLS, or where a proxy ends it.
	TLS *tls.ConnectionState
}

// An Answer is what the provider is told. The zero Answer means "as every provider is answered".
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
	Note   string // of a handshake, for the log: what was asked, and why it was refused. No secrets
}

// A Provider turns deliveries of one source into events.
type Provider interface {
	// Verify says whether the provider sent this. It trusts nothing and compares in constant time. Its errors name
	// what is wrong and never repeat what the request says.
	Verify(Request) error
	// Decode gives the events of a verified request, in order. It fills everything but Source, Provider and Received,
	// and leaves Time zero where the provider sends none. An error means that the delivery cannot be read.
	Decode(Request) ([]schema.Event, error)
}

// A Handshaker answers requests that carry no events: WebSub's GET, a verification challenge. False: not a handshake.
type Handshaker interface {
	Handshake(Request) (Answer, bool)
}

// A HeadVerifier has a check that comes before the content type: an error is answered like one of Verify, which makes
// the same check. Body is not there yet.
type HeadVerifier interface {
	VerifyHead(Request) error
}

// An Answerer overrides what every provider is answered. Where its answer to an unreadable delivery is no success,
// the delivery is refused instead of going to quarantine.
type Answerer interface {
	Answer(Request, Outcome) Answer
}

// A Concealer takes out of a request the credentials that every delivery repeats. What is left can be kept.
type Concealer interface {
	Conceal(Request) Request
}

// A Signer signs deliveries as the provider does: for send, fixtures and tests.
type Signer interface {
	Sign(*Request) error
}

// A Sampler makes realistic deliveries of what the provider documents: for send, the catalogue and tests.
type Sampler interface {
	Natives() []Native
	Sample(native string) (Request, error) // unsigned, fresh IDs and time
}

// A Native is a documented native action and what it becomes. Where fields decide, Action is that of the sample.
type Native struct {
	Name   string
	Action schema.Action
}

// An Accepter declares methods and content types beyond POST and application/json.
type Accepter interface {
	Accepts() Accepts
}

// Accepts lists what may come in. Media types are in lower case, without parameters.
type Accepts struct {
	Methods      []string
	ContentTypes []string
}

// An Outcome is how far a delivery came: the step that failed, or none.
type Outcome struct {
	Step Step
	Err  error // nil when accepted
}

// A Step is where the way in ended.
type Step int

// The steps whose answer a provider may choose.
const (
	Accepted   Step = iota // stored, or a duplicate
	Unverified             // Verify refused
	Unreadable             // verified, but Decode could not read it
)

// Config is the configuration of one source and nothing else.
type Config struct {
	Source    string               // its name: the second token of its subjects
	Secrets   []string             // all are tried, in order; an empty list or an empty secret is an error of New
	Path      string               // where it is called: /webhooks/ssofy
	PublicURL *url.URL             // what providers call, if configured
	Options   func(into any) error // decodes the source's own options, strictly, by yaml tags; nil: none given
	Now       func() time.Time
}

// Unavailable marks that it cannot be decided now whether a request is genuine: it is answered 503.
func Unavailable(err error) error { return unavailable{err} }

// IsUnavailable reports whether err was marked by [Unavailable].
func IsUnavailable(err error) bool { return errors.As(err, new(unavailable)) }

type unavailable struct{ error }

func (u unavailable) Unwrap() error { return u.error }

// CheckSecrets refuses an empty list and an empty secret: a check that passes without a secret is no check.
func (c Config) CheckSecrets() error {
	if len(c.Secrets) == 0 {
		return errors.New("secrets: none configured")
	}
	for _, s := range c.Secrets {
		if s == "" {
			return errors.New("secrets: one is empty")
		}
	}
	return nil
}

// A Path names a file in the options of a source. In a configuration file a relative one starts at the folder of that
// file.
type Path string
