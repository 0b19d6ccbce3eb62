// Package broker gives forebay its NATS server, embedded in the process or external, and makes the streams that must
// exist on it.
//
// Start makes the server ready to be dialled and needs no network: an external server may be away for as long as there
// is disk for the journal. Check asks the server whether it can do the work. Ensure makes the streams.
package broker

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// DefaultListen is where the embedded server listens unless told otherwise: where NATS clients look first.
	DefaultListen = "127.0.0.1:4222"

	// DefaultMaxPayload is what a NATS server takes unless told otherwise, in bytes.
	DefaultMaxPayload = 1 << 20
)

const (
	embeddedSync = 10 * time.Second // what we set
	externalSync = 2 * time.Minute  // what nats-server does unless told otherwise; it does not tell clients
)

// Config says which server to use and how to log in. With an empty URL the server is embedded.
type Config struct {
	URL string // "nats://a.example.com:4222", several separated by commas; empty: embedded

	Listen     string // embedded: host and port where consumers connect; empty: DefaultListen; port 0 or -1: any free port
	Data       string // embedded: folder for JetStream, made with mode 0700
	MaxPayload int32  // embedded: the largest message in bytes, headers included; 0: DefaultMaxPayload

	Stream string // embedded: whose durables Users work off: "IDENTITY"
	Users  []User // embedded: clients that may do this alone; needs User and Password, by which forebay logs in

	// How to log in, one way of four. The embedded server asks its clients for the user or the token that is set here.
	Creds          string // external: path of a credentials file: user JWT and seed
	NKey           string // external: path of a file with an nkey user seed
	User, Password string
	Token          string

	TLS TLS // external; embedded: Cert and Key are what the server shows, read again for every client

	Log *slog.Logger // nil: nothing is logged
}

// TLS names files in PEM. All empty: the URL's scheme and the server decide.
type TLS struct {
	CA        string // certificates that the server's may be signed by; empty: the system's
	Cert, Key string // our certificate and its key, where the server asks for one
	Pin       string // the one certificate that the server may show, whatever its name: that of our own embedded server
}

// Broker is the NATS server that forebay works with. Its methods may be called from several goroutines.
type Broker struct {
	log     *slog.Logger
	url     string        // without user, password and token
	target  string        // what is dialled
	options []nats.Option // how every connection logs in
	server  *embedded     // nil: external

	maxPayload atomic.Int64
	closing    sync.Once
}

// Start makes a broker ready to be dialled.
//
// An embedded server is started and checked: its errors name the address or the folder that is taken. For an external
// server Start reads and checks the configuration and its files and makes no connection, so that deliveries can be
// accepted while NATS is away. Call Check to learn what the server itself says.
func Start(ctx context.Context, c Config) (*Broker, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	options, err := login(c)
	if err != nil {
		return nil, err
	}
	b := &Broker{log: c.Log, options: options}
	b.maxPayload.Store(DefaultMaxPayload)
	if c.URL == "" {
		err = b.embed(ctx, c)
	} else {
		b.target = c.URL
		b.url, err = redactURL(c.URL)
	}
	if err != nil {
		return nil, err
	}
	return b, nil
}

// Dial makes a new connection: in process to an embedded server, over the network to an external one. An external
// server that is away is an error here; once connected, the connection reconnects without end.
//
// Options are added to the broker's own: nats.NoReconnect() makes a connection that ends at the first break, and
// nats.RetryOnFailedConnect(true) one that is returned before it is up. A reconnect buffer is never used, whatever the
// options say: what is not acknowledged is not published. The caller closes the connection before it closes the broker.
func (b *Broker) Dial(name string, o ...nats.Option) (*nats.Conn, error) {
	all := []nats.Option{
		nats.Name(name),
		nats.MaxReconnects(-1),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("broker reports an error", "err", err)
		}),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if !nc.IsClosed() { // closing is not losing
				b.log.Warn("broker connection lost", "err", err)
			}
		}),
		nats.ConnectHandler(func(nc *nats.Conn) { b.maxPayload.Store(nc.MaxPayload()) }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			b.maxPayload.Store(nc.MaxPayload())
			b.log.Info("broker connection is back")
		}),
	}
	all = append(append(append(all, b.options...), o...), nats.ReconnectBufSize(-1))
	nc, err := nats.Connect(b.target, all...)
	if err != nil {
		return nil, explainDial(b.url, err)
	}
	if nc.IsConnected() {
		b.maxPayload.Store(nc.MaxPayload())
	}
	return nc, nil
}

// Embedded reports whether the server runs in this process.
func (b *Broker) Embedded() bool { return b.server != nil }

// URL is where clients connect, for people: "nats://127.0.0.1:4222". It holds no password and no token.
func (b *Broker) URL() string { return b.url }

// MaxPayload is the largest message that the server takes, in bytes of headers and body, as it said when it was last
// heard of. Before the first contact with an external server it is DefaultMaxPayload.
func (b *Broker) MaxPayload() int64 { return b.maxPayload.Load() }

// SyncInterval is how long an acknowledged message may wait before the server syncs it to its disk. An external server
// does not tell; it is taken to keep nats-server's default of two minutes.
func (b *Broker) SyncInterval() time.Duration {
	if b.Embedded() {
		return embeddedSync
	}
	return externalSync
}

// GuardWindow is the shortest time for which the journal keeps an acknowledged event, and for which the stream must
// know a repeated one: twice the sync interval.
func (b *Broker) GuardWindow() time.Duration { return 2 * b.SyncInterval() }

// Close shuts an embedded server down and waits until its store is on disk. An external server is left alone.
// Connections belong to those who dialled them. Closing twice does nothing.
func (b *Broker) Close() {
	b.closing.Do(func() {
		if b.server == nil {
			return
		}
		if err := b.server.close(); err != nil {
			b.log.Warn("unlock the data folder", "err", err)
		}
	})
}

// Restart stops an embedded server and starts it again on its address and store. JetStream does not go on by itself after
// a disk was full, or a write failed: it acknowledges nothing more. Connections that reconnect come back. It does
// nothing to an external server.
func (b *Broker) Restart() error {
	if b.server == nil {
		return nil
	}
	b.log.Warn("restarting the embedded NATS server")
	return b.server.restart()
}

// explainDial words why no connection could be made.
func explainDial(url string, err error) error {
	hint := ""
	switch {
	case errors.Is(err, nats.ErrAuthorization), errors.Is(err, nats.ErrAuthExpired), errors.Is(err, nats.ErrAuthRevoked):
		hint = "the server refuses the login: check nats.user, creds, nkey or token: "
	case errors.Is(err, nats.ErrNoServers):
		hint = "no NATS server answers there: "
	case errors.Is(err, nats.ErrSecureConnWanted):
		hint = "the server does not speak TLS: turn it on there, or remove nats.tls and tls:// here: "
	case isUnknownAuthority(err):
		hint = "the server's certificate is signed by nobody we trust: check nats.tls.ca: "
	}
	return fmt.Errorf("connect to %s: %s%w", url, hint, err)
}

func isUnknownAuthority(err error) bool {
	var unknown x509.UnknownAuthorityError
	return errors.As(err, &unknown)
}
