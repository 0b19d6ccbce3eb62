// Package ingress is the way in: it takes the deliveries of all sources over HTTP, has them verified and decoded by
// their providers, stores their events and answers. Begin with receive.
package ingress

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/trace"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// Config is what an Ingress is made of. Sources, Limits.Body, Store and Wire.Prefix are required.
type Config struct {
	Sources        []Source
	Limits         Limits
	Store          Store
	Wire           schema.Wire
	TrustedProxies []netip.Prefix        // peers whose X-Forwarded-For is believed: for limits, and for what providers know of the peer
	Now            func() time.Time      // nil: time.Now
	Log            *slog.Logger          // nil: nothing is logged
	Metrics        prometheus.Registerer // nil: counted, and not shown
	Tracer         trace.Tracer          // nil: no spans
}

// A Source is one configured instance of a provider.
type Source struct {
	Name         string // second token of its subjects: "ssofy"
	ProviderName string // "ssofy"
	Path         string // exactly as the provider calls it, escapes as written: "/webhooks/ssofy"
	Provider     provider.Provider
}

// Limits bound what the way in takes. See limit.go for who is refused when.
type Limits struct {
	Body       int64   // bytes of one delivery's body
	Rate       float64 // verified deliveries a second, per source; 0: unlimited
	Burst      int     // how many of them may come at once; 0: one second's worth
	Concurrent int     // deliveries under way on the whole listener, a part of it for each source; 0: unlimited
}

// An Ingress is the http.Handler of the webhook listener. Make one with [New].
type Ingress struct {
	store   Store
	wire    schema.Wire
	trusted []netip.Prefix
	now     func() time.Time
	log     *slog.Logger
	metrics *metrics
	tracer  trace.Tracer // nil: no spans
	router  *mux.Router

	reload    sync.Mutex
	table     atomic.Pointer[table]
	draining  atomic.Bool
	underway  atomic.Int64
	strangers strangers
}

// New makes an Ingress. It refuses sources that share a name or a path, and paths that no request could have.
func New(c Config) (*Ingress, error) {
	if c.Store == nil {
		return nil, errors.New("ingress: no store")
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(c.Metrics)
	if err != nil {
		return nil, fmt.Errorf("ingress: %w", err)
	}
	in := &Ingress{
		store: c.Store, wire: c.Wire, trusted: c.TrustedProxies, now: c.Now, log: c.Log, metrics: m, tracer: c.Tracer,
	}
	in.router = in.routes()
	if err := in.Reload(c.Sources, c.Limits); err != nil {
		return nil, err
	}
	return in, nil
}

// Drain makes every new delivery get 503 from now on. Those under way finish: http.Server's Shutdown waits for them.
func (in *Ingress) Drain() { in.draining.Store(true) }

// Draining reports whether Drain was called.
func (in *Ingress) Draining() bool { return in.draining.Load() }

// receive is the way in: it takes one delivery from its request line to the disk, and returns what the provider is
// told. The step that fails decides the answer. A nil error means that the events are safe, or that it was a handshake.
func (s *source) receive(ctx context.Context, r *http.Request) (answer, error) {
	d := s.delivery(r)
	if a, ok := d.handshake(); ok {
		return a, nil
	}
	if o, err := d.admit(); err != nil {
		return d.turnAway(o, err)
	}
	if !s.enter() {
		return d.refuse(overloaded, errors.New("too many deliveries under way"))
	}
	defer s.leave()

	if err := d.read(); err != nil {
		return d.unread(err)
	}
	if err := d.verify(); err != nil {
		return d.unverified(err)
	}
	if !s.bucket.AllowN(d.received, 1) {
		return d.refuse(limited, errors.New("too many deliveries of this source"))
	}
	events, err := d.decode()
	if err != nil {
		return d.unreadable(ctx, err)
	}
	messages, err := d.seal(ctx, events)
	if err != nil {
		return d.unreadable(ctx, err)
	}
	receipt, err := d.store(ctx, messages)
	if err != nil {
		return d.refuse(unavailable, err)
	}
	return d.accept(messages, receipt), nil
}
