package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/schema"
)

type serveCommand struct{}

// Help is shown by "forebay serve --help".
func (serveCommand) Help() string {
	return "SIGTERM and SIGINT stop it: deliveries under way are finished, new ones get 503.\n" +
		"SIGHUP reads sources, secrets, limits, lanes and consumers again; a bad file changes nothing and says why."
}

const (
	// drainTime is how long new deliveries get 503 at least, before they find nobody: a load balancer takes its time.
	drainTime = 500 * time.Millisecond
	// stopTime is how long the publisher, and then deliveries under way, may take to finish.
	stopTime = 10 * time.Second
)

// Run wires everything up, in the order of an event's way, runs it until ctx ends, and takes it down in reverse.
func (serveCommand) Run(ctx context.Context, e *environment) (err error) {
	c, err := e.config()
	if err != nil {
		return err
	}
	log := e.log
	spareProcessors(e.getenv)
	var closers closers
	defer func() {
		err = errors.Join(err, closers.close())
		if ctx.Err() != nil {
			log.Info("stopped")
		}
	}()

	if err := c.EnsureSealKey(); err != nil {
		return usageError{err}
	}
	sealer, err := c.Sealer()
	if err != nil {
		return usageError{err}
	}
	sources, err := newSources(c)
	if err != nil {
		return usageError{err}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	traces, err := newTraces(ctx, c, e.getenv, log)
	if err != nil {
		return usageError{err}
	}
	closers.add(traces.close)

	b, err := startBroker(ctx, c, log)
	if err != nil {
		return err
	}
	closers.add(func() error { b.Close(); return nil })
	store, err := openStore(c, b, registry, log)
	if err != nil {
		return err
	}
	closers.add(store.close)
	out, err := newWayOut(c, b, registry, traces, log)
	if err != nil {
		return err
	}

	wire := schema.Wire{
		Prefix: c.Stream.Prefix, Lifetimes: c.Stream.Lifetimes, Seal: sealer, MaxBytes: b.MaxPayload(),
	}
	released := newReleases(c, b, wire, store, log)
	in, err := ingress.New(ingress.Config{
		Sources: sources, Limits: limits(c, b), Store: store, Wire: wire,
		TrustedProxies: c.TrustedProxies, Now: time.Now, Log: log, Metrics: registry, Tracer: traces.tracer("ingress"),
	})
	if err != nil {
		return err
	}
	server := ingress.Server(in, log)
	if server.TLSConfig, err = secure(c.TLS); err != nil {
		return err
	}
	webhooks, err := listen(c.Listen, "listen")
	if err != nil {
		return err
	}
	closers.add(ignoreClosed(webhooks.Close))
	admin, err := listen(c.Admin, "admin")
	if err != nil {
		return err
	}
	closers.add(ignoreClosed(admin.Close))

	tasks := newTasks()
	tasks.start("publisher", store.run)
	operator := newAdmin(registry, store, out, in.Draining, released, c.AdminHosts)
	tasks.start("webhooks", func(context.Context) error { return serve(server, webhooks) })
	tasks.start("admin", func(context.Context) error { return operator.Serve(admin) })
	tasks.start("consumers", out.run)
	tasks.start("reload", func(ctx context.Context) error {
		onHangup(ctx, func() { reload(e, c, b, in, released, out) })
		return nil
	})
	announce(log, c, b, webhooks.Addr(), admin.Addr())

	select {
	case <-ctx.Done():
		log.Info("stopping")
	case err = <-tasks.failed:
		log.Error("stopping", "err", err)
	}
	in.Drain()
	time.Sleep(drainTime) //nolint:forbidigo // nothing to wait for: callers find out by calling
	store.settle(stopTime)
	return errors.Join(err, shutdown(server), shutdown(operator), tasks.stop())
}

// startBroker makes the broker ready. One of the operator's own that is away is logged: deliveries are taken all the same.
func startBroker(ctx context.Context, c *config.Config, log *slog.Logger) (*broker.Broker, error) {
	b, err := broker.Start(ctx, brokerConfig(c, log))
	if err != nil {
		return nil, err
	}
	if b.Embedded() {
		return b, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if err := b.Check(ctx); err != nil {
		log.Error("the broker cannot be used now; deliveries are kept in the journal until it can", "err", err)
	}
	return b, nil
}

func brokerConfig(c *config.Config, log *slog.Logger) broker.Config {
	return broker.Config{
		URL: c.NATS.URL, Listen: c.NATS.Listen, Data: filepath.Join(string(c.Data), "nats"),
		MaxPayload: embeddedPayload(c),
		Creds:      string(c.NATS.Creds), NKey: string(c.NATS.NKey),
		User: c.NATS.User, Password: string(c.NATS.Password), Token: string(c.NATS.Token),
		TLS:    broker.TLS{CA: string(c.NATS.TLS.CA), Cert: string(c.NATS.TLS.Cert), Key: string(c.NATS.TLS.Key)},
		Stream: c.Stream.Name, Users: brokerUsers(c),
		Log: log,
	}
}

func brokerUsers(c *config.Config) (users []broker.User) {
	for _, name := range slices.Sorted(maps.Keys(c.NATS.Users)) {
		u := c.NATS.Users[name]
		users = append(users, broker.User{Name: name, Password: string(u.Password), Durables: u.Consumers})
	}
	return users
}

func streams(c *config.Config) broker.Streams {
	return broker.Streams{
		Name: c.Stream.Name, Prefix: c.Stream.Prefix, Replicas: c.Stream.Replicas, MaxAge: c.Stream.MaxAge,
		MaxBytes: int64(c.Stream.MaxBytes), DuplicateWindow: c.Stream.DuplicateWindow, GuardWindow: c.Journal.Guard,
	}
}

// overhead is what a message has beside what its provider sent: its headers, and the common members that are ours.
const overhead = 64 << 10

// limits derives the largest delivery from the largest message: an event may repeat in its common part all that the
// payload says, and a delivery in quarantine is a third larger than it was.
func limits(c *config.Config, b *broker.Broker) ingress.Limits {
	return ingress.Limits{
		Body: min(int64(c.Limits.Body), max((b.MaxPayload()-overhead)/2, b.MaxPayload()/4)),
		Rate: float64(c.Limits.Rate), Burst: c.Limits.Burst, Concurrent: c.Limits.Concurrent,
	}
}

// embeddedPayload is the max_payload of the embedded server, so that limits.body holds as it is written.
func embeddedPayload(c *config.Config) int32 {
	return int32(min(max(2*int64(c.Limits.Body)+overhead, broker.DefaultMaxPayload), 64<<20))
}

func listen(address, key string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s: %s is taken by another program: stop it or choose another port", key, address)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return l, nil
}

// secure gives nil where no certificate is configured.
func secure(t config.TLS) (*tls.Config, error) {
	if !t.Enabled() {
		return nil, nil
	}
	c, err := ingress.TLSConfig(string(t.Cert), string(t.Key), string(t.ClientCA))
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

func serve(s *http.Server, l net.Listener) error {
	if s.TLSConfig != nil {
		return s.ServeTLS(l, "", "")
	}
	return s.Serve(l)
}

// onHangup calls f at every SIGHUP, one call at a time.
func onHangup(ctx context.Context, f func()) {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	for {
		select {
		case <-hangup:
			f()
		case <-ctx.Done():
			return
		}
	}
}

// shutdown waits for what is under way, and cuts off what takes too long.
func shutdown(s *http.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	if err := s.Shutdown(ctx); err != nil {
		return errors.Join(fmt.Errorf("shut down: %w", err), s.Close())
	}
	return nil
}

func announce(log *slog.Logger, c *config.Config, b *broker.Broker, webhooks, admin net.Addr) {
	mode := c.File
	if mode == "" {
		mode = "development mode: no configuration file"
	}
	scheme := "http"
	if c.TLS.Enabled() {
		scheme = "https"
	}
	for _, s := range c.Sources {
		log.Info("source", "source", s.Name, "provider", s.Provider, "url", fmt.Sprintf("%s://%s%s", scheme, webhooks, s.Path))
	}
	log.Info("ready", "config", mode, "nats", b.URL(), "admin", "http://"+admin.String(), "ack", string(c.Ack))
}
