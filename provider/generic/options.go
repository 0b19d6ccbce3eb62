package generic

import (
	"time"

	"github.com/forebayhq/forebay/provider"
)

// Options are the settings of a generic source. docs/providers/generic.md explains them by example.
type Options struct {
	// Verify is the tree of verifiers. Required.
	Verify Node `yaml:"verify"`
	// Events points to the array of a delivery that holds several events; "" is the whole body. Each element is an event
	// of its own. Not set: the delivery is one event.
	Events *string `yaml:"events"`

	// ID, Type, Time, Subject and Tenant say where these stand: selectors. Type is required: the native action. Without
	// an ID, the SHA-256 of the raw body (of the element, in a batch) is the event's ID. Subject is the user's ID, Tenant
	// the organization's.
	ID         string `yaml:"id"`
	Type       string `yaml:"type"`
	Time       string `yaml:"time"`
	TimeFormat string `yaml:"time_format"` // rfc3339, s or ms (since 1970). Default: rfc3339
	Subject    string `yaml:"subject"`
	Tenant     string `yaml:"tenant"`
	// Members fills further members of the common body: {user.email: /data/email, client.ip: /ip}.
	Members map[string]string `yaml:"members"`

	// Actions maps native actions, * in them any run of characters, to actions. What it lacks becomes other.<name>.
	Actions map[string]string `yaml:"actions"`
	// Outcome says how it ended, where the action does not tell.
	Outcome OutcomeOptions `yaml:"outcome"`
	// Commands are the actions by which the sender asks somebody to act.
	Commands []string `yaml:"commands"`
	// Sensitive names members that are sealed, as paths from the top of the event: payload.event_payload. Members named
	// password always are.
	Sensitive []string `yaml:"sensitive"`

	// Methods and ContentTypes are what the source takes. Default: POST; application/json.
	Methods      []string `yaml:"methods"`
	ContentTypes []string `yaml:"content_types"`
	// Handshake answers requests that carry no events.
	Handshake HandshakeOptions `yaml:"handshake"`
	// Answer is how an accepted delivery is answered: json (200 and {}), or empty (204). Default: json.
	Answer string `yaml:"answer"`
}

// OutcomeOptions read an outcome from a value of the event. In the values * stands for any run
// of characters; of several that fit the most telling counts. A value that is not listed leaves it to the action.
type OutcomeOptions struct {
	From    string   `yaml:"from"` // a selector
	Success []string `yaml:"success"`
	Failure []string `yaml:"failure"`
	Unknown []string `yaml:"unknown"`
}

// A Node is one verifier of the tree: exactly one of its keys.
type Node struct {
	AllOf []Node `yaml:"all_of"`
	AnyOf []Node `yaml:"any_of"`

	HMAC             *HMACOptions             `yaml:"hmac"`
	StandardWebhooks *StandardWebhooksOptions `yaml:"standard-webhooks"`
	JWT              *JWTOptions              `yaml:"jwt"`
	Credential       *CredentialOptions       `yaml:"credential"`
	HTTPSignature    *HTTPSignatureOptions    `yaml:"http-signature"`
	MTLS             *MTLSOptions             `yaml:"mtls"`
	Network          *NetworkOptions          `yaml:"network"`
}

// HMACOptions describe an HMAC over the body in a header.
type HMACOptions struct {
	Headers      []string `yaml:"headers"`       // the first that is there counts. Required
	Form         string   `yaml:"form"`          // plain, prefixed (sha256=…) or kv (t=…,v1=…). Default: plain
	Prefix       string   `yaml:"prefix"`        // of form prefixed. Default: the hash and =
	TimeKey      string   `yaml:"time_key"`      // of form kv. Default: t
	SignatureKey string   `yaml:"signature_key"` // of form kv; it may be there several times. Default: v1
	Hash         string   `yaml:"hash"`          // sha256, sha384, sha512 or sha1. Default: sha256
	Encoding     string   `yaml:"encoding"`      // of the signature: hex, base64 or base64url. Default: hex
	KeyEncoding  string   `yaml:"key_encoding"`  // of the secrets: text, base64 or hex. Default: text
	KeyPrefix    string   `yaml:"key_prefix"`    // what secrets begin with and the key does not: whsec_

	Signed     string        `yaml:"signed"`      // what is signed: {body}, {t}, {header:NAME} and text. Default: {body}
	TimeHeader string        `yaml:"time_header"` // where {t} stands, unless in form kv
	TimeUnit   string        `yaml:"time_unit"`   // of {t}: s, ms or rfc3339. Required with {t}: it is never guessed
	Tolerance  time.Duration `yaml:"tolerance"`   // how far {t} may be from now, both ways. Default: 5m

	Secrets []int `yaml:"secrets"` // which of the source's secrets, from 1. Default: all
}

// StandardWebhooksOptions describe a sender that signs by Standard Webhooks.
type StandardWebhooksOptions struct {
	Prefixes  []string      `yaml:"prefixes"`  // of the headers' names, in order of preference. Default: webhook, svix
	Tolerance time.Duration `yaml:"tolerance"` // how far an attempt may be from now, both ways. Default: 5m
	Secrets   []int         `yaml:"secrets"`   // which of the source's secrets, from 1. Default: all
}

// JWTOptions describe a signed token: the delivery itself, or one that holds the hash of its body.
type JWTOptions struct {
	In     string `yaml:"in"`     // header, body or member. Required
	Header string `yaml:"header"` // of in: header. Default: Authorization
	Scheme string `yaml:"scheme"` // of in: header, before the token: Bearer. Default: none
	Member string `yaml:"member"` // of in: member, a pointer: /token

	JWKSURL      string        `yaml:"jwks_url"`      // where the issuer's public keys are
	JWKSFile     provider.Path `yaml:"jwks_file"`     // or a file that holds them
	InsecureHTTP bool          `yaml:"insecure_http"` // allows a jwks_url with http
	Secrets      []int         `yaml:"secrets"`       // or shared secrets, for HS256 and its like: which, from 1
	KeyEncoding  string        `yaml:"key_encoding"`  // of shared secrets: text, base64 or hex. Default: text

	Algorithms []string `yaml:"algorithms"` // that may come. Required
	Issuer     string   `yaml:"issuer"`     // what iss must be. Default: anything
	Audience   []string `yaml:"audience"`   // one of them must be in aud. Default: anything
	Type       string   `yaml:"typ"`        // what typ must be. Default: anything

	Expiry string        `yaml:"exp"`     // require, enforce (where it is there), forbid or ignore. Default: enforce
	Leeway time.Duration `yaml:"leeway"`  // by which exp, nbf and iat may be missed. Default: 0s
	MaxAge time.Duration `yaml:"max_age"` // how old iat may be; it is then required. Default: any age

	BodyHash BodyHashOptions `yaml:"body_hash"` // of the body, in a claim. Required in a header
	Claims   string          `yaml:"claims"`    // of body and member, a pointer: which part of the claims is the payload
}

// BodyHashOptions say which claim holds the SHA-256 of the body, and how it is written.
type BodyHashOptions struct {
	Claim    string `yaml:"claim"`
	Encoding string `yaml:"encoding"` // hex, base64 or base64url. Required: senders differ
}

// CredentialOptions describe a fixed secret that comes with each delivery. It proves who sends, and not what.
type CredentialOptions struct {
	In       string `yaml:"in"`       // header, bearer, basic (a secret is user:password), query or member. Required
	Name     string `yaml:"name"`     // of header or query parameter, or a pointer. Default of a header: Authorization
	Unsigned bool   `yaml:"unsigned"` // true: it is accepted that nothing proves the body
	Secrets  []int  `yaml:"secrets"`  // which of the source's secrets, from 1. Default: all
}

// HTTPSignatureOptions describe an HTTP message signature (RFC 9421) with hmac-sha256.
type HTTPSignatureOptions struct {
	Label          string        `yaml:"label"`           // Default: sig
	Components     []string      `yaml:"components"`      // that must be covered. Default: @method, @target-uri, content-digest
	Exact          bool          `yaml:"exact"`           // these in this order and no others
	RequireAlg     bool          `yaml:"require_alg"`     // alg must be there
	RequireCreated bool          `yaml:"require_created"` // created must be there
	KeyID          string        `yaml:"keyid"`           // what keyid must be. Default: anything
	Tolerance      time.Duration `yaml:"tolerance"`       // how far created may be from now, both ways. Default: 5m
	KeyEncoding    string        `yaml:"key_encoding"`    // of the secrets: text, base64 or hex. Default: text
	Secrets        []int         `yaml:"secrets"`         // which of the source's secrets, from 1. Default: all
}

// MTLSOptions describe a client certificate that tls.client_ca has verified. All names or pins empty: any such one.
type MTLSOptions struct {
	Names []string `yaml:"names"` // a DNS name, mail address or URI of the certificate; one must be in it
	Pins  []string `yaml:"pins"`  // base64 of the SHA-256 of the public key (SPKI); one must fit
}

// NetworkOptions list where deliveries may come from. Behind a proxy, trusted_proxies must name it.
type NetworkOptions struct {
	CIDRs []string `yaml:"cidrs"` // 203.0.113.0/24. Required
}

// HandshakeOptions are the handshakes that are answered.
type HandshakeOptions struct {
	Okta        *OktaHandshake        `yaml:"okta"`
	Graph       *GraphHandshake       `yaml:"graph"`
	WebSub      *WebSubHandshake      `yaml:"websub"`
	CloudEvents *CloudEventsHandshake `yaml:"cloudevents"`
}

// OktaHandshake echoes the header of a GET that passes verify, as Okta and its like ask once.
type OktaHandshake struct {
	Header string `yaml:"header"` // Default: X-Okta-Verification-Challenge
	Member string `yaml:"member"` // of the answer's JSON. Default: verification
}

// GraphHandshake echoes the query parameter validationToken, as Microsoft Graph asks for each subscription.
type GraphHandshake struct {
	Parameter string `yaml:"parameter"` // Default: validationToken
}

// WebSubHandshake confirms subscriptions to these topics, in which * stands for any run of characters.
type WebSubHandshake struct {
	Topics      []string `yaml:"topics"`      // Required
	Unsubscribe bool     `yaml:"unsubscribe"` // confirms their end too
}

// CloudEventsHandshake lets these origins send (CloudEvents HTTP webhooks, section 4).
type CloudEventsHandshake struct {
	Origins []string `yaml:"origins"` // WebHook-Request-Origin: eventgrid.example.com. Required
}
