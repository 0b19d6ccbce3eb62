// Package config reads Forebay's configuration: one YAML file, decoded strictly, or none at all (development mode).
//
// [Config] is the manual: the comment of each field says what its key does, what it accepts and what it is when left
// out. docs/forebay.yaml is the same as a file to copy from; a test holds the two together.
//
// # The file
//
// An unknown key, a key written twice, a value of the wrong type and a value that cannot work are errors. Each names
// file, line and key, and all of them come at once. Lists in the file replace the default list. lifetimes, a mapping,
// adds to its defaults. Errors do not repeat what a secret or a URL says.
//
// ${NAME} inside a value is taken from the environment, after parsing, so that no value can add keys. A variable that
// is not set, or empty, is an error. $${ stands for a plain ${. Inside { } and [ ] a value with ${NAME} needs quotes.
//
// Paths are relative to the folder of the file.
package config

import (
	"cmp"
	"net/netip"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// Config is everything that can be configured.
type Config struct {
	// Listen is where webhooks come in, host:port. An empty host means every address of the machine.
	// Default: 127.0.0.1:8080.
	Listen string `yaml:"listen"`

	// Admin is where /metrics, /healthz and /readyz are, host:port. It knows no passwords: keep it on loopback or on a
	// network of your own. Anything but loopback is a warning. Default: 127.0.0.1:8081.
	Admin string `yaml:"admin"`

	// AdminHosts are the full names by which Admin may be called, without a port: forebay.example.com. An address, and a
	// name without a full stop, such as localhost, need none. Anything else is refused, because a web site can give its
	// own name our address. Default: none.
	AdminHosts []string `yaml:"admin_hosts"`

	// PublicURL is what providers call, up to and without the path of a source: scheme, host, and the path that a proxy
	// strips, if it strips one. https://hooks.example.com. Needed where a provider signs the URL. Default: none.
	PublicURL URL `yaml:"public_url"`

	// Data is the folder of the journal, the embedded broker and the keys that forebay makes. It is made with mode
	// 0700. Default: ./data.
	Data Path `yaml:"data"`

	// TrustedProxies are the address ranges whose X-Forwarded-For is believed. Default: none.
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`

	// TLS makes Listen speak HTTPS. Default: plain HTTP, for a proxy in front.
	TLS TLS `yaml:"tls"`

	// Ack says what a success answer promises: journal, flushed to the local disk, or stream, acknowledged by the
	// stream and no local disk needed. Default: journal.
	Ack Ack `yaml:"ack"`

	// Journal keeps events between accepting and publishing. With "ack: stream" there is none, and only its Dedupe is
	// read.
	Journal Journal `yaml:"journal"`

	// NATS is the broker: embedded, or one that you run.
	NATS NATS `yaml:"nats"`

	// Stream is where events go.
	Stream Stream `yaml:"stream"`

	// Seal says whose key encrypts the secrets inside events: {recipient: FILE}, or the word off. With a broker that
	// you run one of the two must be written. Default with the embedded broker: a key pair made in Data.
	Seal Seal `yaml:"seal"`

	// Limits protect against too much. What exceeds them is answered 413 or 503. Reloaded on SIGHUP.
	Limits Limits `yaml:"limits"`

	// Lanes choose what overtakes a backlog.
	Lanes Lanes `yaml:"lanes"`

	// Sources are the configured instances of providers, by name, in the order of the file. A name is one to 64
	// characters a-z, 0-9, _ and -, the first a letter or a digit; it is a part of the subject. Reloaded on SIGHUP.
	Sources Sources `yaml:"sources"`

	// Consumers are the durables of the stream and the jobs that run on them, by name. A name is one to 64 letters,
	// digits, _ and -. Dead letters are kept as long as events are, stream.max_age. Reloaded on SIGHUP: one that is
	// as before goes on untouched, another begins at once, and attempts under way are finished. Default: none.
	Consumers Consumers `yaml:"consumers"`

	// Traces are where OpenTelemetry's spans go, one for each delivery and one for each attempt. Default: nowhere.
	Traces Traces `yaml:"traces"`

	// File is where this was read from, empty in development mode.
	File string `yaml:"-"`

	// dataWhere is "forebay.yaml:3: data", to put before errors about the folder.
	dataWhere string

	// Warnings are what works but should be seen by somebody, with file, line and key like errors.
	Warnings []string `yaml:"-"`
}

// TLS is the certificate of a listener.
type TLS struct {
	// Cert is a PEM file with the certificate and its chain. Needs Key.
	Cert Path `yaml:"cert"`
	// Key is the PEM file of its private key. Keep it to yourself: mode 0600.
	Key Path `yaml:"key"`
	// ClientCA is a PEM file of authorities. With it, only clients with a certificate of theirs are let in. Needs Cert.
	ClientCA Path `yaml:"client_ca"`
}

// Enabled reports whether a certificate is configured.
func (t TLS) Enabled() bool { return t.Cert != "" }

// Journal is the flushed log on the local disk.
type Journal struct {
	// MaxBytes bounds the journal on disk. A full journal answers 503. Default: 10GiB.
	MaxBytes Size `yaml:"max_bytes"`
	// Dedupe is how long a repeated delivery is known: it is answered as a success and not stored again. A source may
	// set its own. Default: 96h.
	Dedupe time.Duration `yaml:"dedupe"`
	// Guard is the guard window: how long the journal keeps an event after the stream acknowledged it, because
	// JetStream answers before it syncs. Default: twice the sync interval of the broker, which is 10s for the embedded
	// one (so 20s) and taken as 2m, nats-server's own default, for one that you run (so 4m). Set it where your servers
	// sync at another interval.
	Guard time.Duration `yaml:"guard"`
}

// NATS is the broker.
type NATS struct {
	// URL is a server that you run, or several with commas between: nats://nats.internal:4222. Users and passwords have
	// keys of their own. Empty means the embedded server. Default: empty.
	URL string `yaml:"url"`
	// Listen is where consumers connect to the embedded server, host:port. Anything but loopback is a warning, unless
	// Token or User is set. Not used with URL. Default: 127.0.0.1:4222.
	Listen string `yaml:"listen"`

	// Creds is a credentials file, as nsc makes it. At most one of Creds, NKey, Token and User can be set. Only with
	// URL.
	Creds Path `yaml:"creds"`
	// User is a user name. Needs Password. The embedded server asks its clients for it.
	User string `yaml:"user"`
	// Password belongs to User.
	Password Secret `yaml:"password"`
	// Token is a token. The embedded server asks its clients for it.
	Token Secret `yaml:"token"`
	// NKey is a file with an nkey seed. Only with URL.
	NKey Path `yaml:"nkey"`

	// TLS is for servers with certificates of a private authority, and for those that ask for ours. Without URL its Cert
	// and Key are what the embedded server shows to its clients, who then must speak TLS; the files are read again for
	// every client.
	TLS NATSTLS `yaml:"tls"`

	// Users are clients of the embedded server that may do nothing but work off durables: bind, fetch and answer. They
	// see no other durable, no stream and nothing of each other. User and Password are then for you and for forebay's
	// commands. Not with URL. Default: none.
	Users map[string]NATSUser `yaml:"users"`
}

// External reports whether the broker is one that the operator runs.
func (n NATS) External() bool { return n.URL != "" }

// A NATSUser is a client of the embedded broker, by its name.
type NATSUser struct {
	// Password is what it logs in with, beside its name. Required.
	Password Secret `yaml:"password"`
	// Consumers are those whose durables it may work off. Required.
	Consumers []string `yaml:"consumers"`
}

// NATSTLS is TLS towards the broker.
type NATSTLS struct {
	// CA is a PEM file of authorities that sign the server. Only with URL. Default: those of the system.
	CA Path `yaml:"ca"`
	// Cert is a PEM file with our certificate, or that of the embedded server. Needs Key.
	Cert Path `yaml:"cert"`
	// Key is the PEM file of its private key.
	Key Path `yaml:"key"`
}

// Stream is the JetStream stream of events. It is created if it is not there; one that exists with other settings is
// reported and left as it is.
type Stream struct {
	// Name is the stream's. Default: IDENTITY.
	Name string `yaml:"name"`
	// Prefix is the first token of every subject. Default: identity.
	Prefix string `yaml:"prefix"`
	// Replicas is on how many servers of a cluster the stream is kept, 1 to 5. The embedded server is one. Default: 1.
	Replicas int `yaml:"replicas"`
	// MaxAge is how long events are kept. 0s means for ever. Default: 720h.
	MaxAge time.Duration `yaml:"max_age"`
	// MaxBytes bounds the stream; the oldest events go first. 0 means no bound. Default: 10GiB.
	MaxBytes Size `yaml:"max_bytes"`
	// DuplicateWindow is how long the stream knows the ID of an event. The server keeps them all in memory. The journal
	// knows them for longer, so the guard window, which it must cover, is enough: a smaller one is raised to that, with a
	// warning. Several forebays on one stream need it as long as the providers repeat. Default: the guard window; with
	// ack: stream, where nothing else knows them, 2m.
	DuplicateWindow time.Duration `yaml:"duplicate_window"`
	// Lifetimes are how long messages of an action are kept, at least 1s. Adds to the defaults; 0s takes one out.
	// Default: otp.requested 10m.
	Lifetimes map[schema.Action]time.Duration `yaml:"lifetimes"`
}

// Seal is {recipient: FILE} or off.
type Seal struct {
	// Recipient is a file with a public key, a JWK of type EC P-256. "forebay seal keygen" makes one. Default with the
	// embedded broker: seal.pub.jwk in Data, made with its private key on first start.
	Recipient Path `yaml:"recipient"`

	// Off is the word off: secrets inside events stay readable.
	Off bool `yaml:"-"`
}

// Limits protect against too much.
type Limits struct {
	// Body is the largest delivery. The broker's max_payload lowers it. Default: 1MiB.
	Body Size `yaml:"body"`
	// Rate is how many deliveries a source may send: 200/s, 3000/m, 10000/h. Default: 200/s.
	Rate Rate `yaml:"rate"`
	// Burst is how many may come at once above that, for a source. Default: 400.
	Burst int `yaml:"burst"`
	// Concurrent is how many deliveries are worked on at once, of all sources. The last quarter is for sources that have
	// less than an equal share of all, so that a flood at one source leaves the others room. Default: 1024.
	Concurrent int `yaml:"concurrent"`
}

// Lanes choose what overtakes a backlog.
type Lanes struct {
	// Urgent are the actions that do. A list here replaces the default. Default: commands and security, namely
	// otp.requested, password.reset, token.revoked, session.revoked, cache.reset, user.disabled, user.locked and
	// credential.compromised.
	Urgent []schema.Action `yaml:"urgent"`
}

// Traces are spans for an OpenTelemetry collector, by OTLP over HTTP. What is not here is set by OpenTelemetry's own
// environment variables, such as OTEL_TRACES_SAMPLER.
type Traces struct {
	// Endpoint is the collector, without the /v1/traces that is added: http://127.0.0.1:4318. Default: what the
	// environment variable OTEL_EXPORTER_OTLP_ENDPOINT says; without it nothing is traced.
	Endpoint URL `yaml:"endpoint"`
	// Headers go with every request to Endpoint, for a collector that wants to know who sends. Default: none.
	Headers map[string]Secret `yaml:"headers"`
}

const (
	kib = 1 << 10
	mib = 1 << 20
	gib = 1 << 30
)

// defaults are what a file that says nothing means. What depends on the rest of the file is added by Config.complete.
func defaults() *Config {
	return &Config{
		Listen:  "127.0.0.1:8080",
		Admin:   "127.0.0.1:8081",
		Ack:     schema.StoredJournal,
		Journal: Journal{MaxBytes: 10 * gib, Dedupe: 96 * time.Hour},
		NATS:    NATS{Listen: "127.0.0.1:4222"},
		Stream: Stream{
			Name:      "IDENTITY",
			Prefix:    "identity",
			Replicas:  1,
			MaxAge:    720 * time.Hour,
			MaxBytes:  10 * gib,
			Lifetimes: schema.Lifetimes(),
		},
		Limits: Limits{Body: mib, Rate: 200, Burst: 400, Concurrent: 1024},
		Lanes:  Lanes{Urgent: schema.Urgent()},
	}
}

const defaultData = "data"

// The sync intervals of the broker: what the embedded server is given, and what nats-server does unless told otherwise.
const (
	embeddedSync = 10 * time.Second
	externalSync = 2 * time.Minute
)

func (c *Config) syncInterval() time.Duration {
	if c.NATS.External() {
		return externalSync
	}
	return embeddedSync
}

// streamWindow is the duplicate window where no journal knows what was accepted: JetStream's default.
const streamWindow = 2 * time.Minute

// duplicateWindow is the one that counts.
func (c *Config) duplicateWindow() time.Duration {
	if c.Ack == schema.StoredJournal {
		return max(c.Stream.DuplicateWindow, c.guard())
	}
	return cmp.Or(c.Stream.DuplicateWindow, streamWindow)
}

func (c *Config) guard() time.Duration { return cmp.Or(c.Journal.Guard, 2*c.syncInterval()) }

// complete fills what depends on the rest: the guard window, the duplicate window that covers it, and what sources
// take over.
func (c *Config) complete() {
	c.Journal.Guard = c.guard()
	c.Stream.DuplicateWindow = c.duplicateWindow()
	for action, lifetime := range c.Stream.Lifetimes {
		if lifetime == 0 {
			delete(c.Stream.Lifetimes, action)
		}
	}
	for i := range c.Sources {
		c.Sources[i].inherit(c)
	}
}
