package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
)

// A client reads the streams as any consumer does: over the network, also where "forebay serve" embeds the server.
type client struct {
	nats *nats.Conn
	js   jetstream.JetStream
	url  string // without user, password and token
}

func (c *client) close() { c.nats.Close() }

// connect dials the broker that the configuration names. It never starts the embedded one: that belongs to serve.
func connect(ctx context.Context, c *config.Config, log *slog.Logger) (*client, error) {
	b, err := outsideBroker(ctx, c, log)
	if err != nil {
		return nil, err
	}
	nc, err := b.Dial("forebay")
	if err != nil && !c.NATS.External() {
		return nil, fmt.Errorf(`%w (is "forebay serve" running?)`, err)
	}
	if err != nil {
		return nil, err
	}
	js, err := jetstream.New(nc)
	if err != nil {
		nc.Close()
		return nil, err
	}
	return &client{nats: nc, js: js, url: b.URL()}, nil
}

// outsideBroker is the broker of the configuration as a client sees it.
func outsideBroker(ctx context.Context, c *config.Config, log *slog.Logger) (*broker.Broker, error) {
	outside := brokerConfig(c, log)
	if !c.NATS.External() {
		address, err := dialable(c.NATS.Listen)
		if err != nil {
			return nil, usageError{fmt.Errorf("nats.listen: %w", err)}
		}
		outside.URL, outside.Users = "nats://"+address, nil
		outside.TLS = broker.TLS{Pin: string(c.NATS.TLS.Cert)}
	}
	b, err := broker.Start(ctx, outside)
	if err != nil {
		return nil, usageError{err}
	}
	return b, nil
}

// dialable is where this machine reaches what listens on address: on 127.0.0.1 what listens everywhere.
func dialable(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	if port == "0" {
		return "", fmt.Errorf("%s is any free port: nobody can know which", address)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// stream gives a stream that must exist.
func (c *client) stream(ctx context.Context, name string) (jetstream.Stream, error) {
	s, err := c.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, fmt.Errorf(`stream %s does not exist at %s yet: "forebay serve" makes it: %w`, name, c.url, err)
	}
	if errors.Is(err, nats.ErrNoResponders) {
		return nil, fmt.Errorf("read stream %s: JetStream is off at %s: %w", name, c.url, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", name, err)
	}
	return s, nil
}
