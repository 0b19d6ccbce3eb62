package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

// checkBroker asks the broker whether it can do the work, and looks at the streams. It makes none.
func checkBroker(ctx context.Context, c *config.Config, running instance) []finding {
	if !c.NATS.External() && !running.running() {
		return checkEmbedded(c)
	}
	quiet := slog.New(slog.DiscardHandler) // what is wrong is in the findings
	b, err := outsideBroker(ctx, c, quiet)
	if err == nil {
		err = b.Check(ctx)
	}
	if err != nil {
		return []finding{{"broker", fail, err.Error()}}
	}
	client, err := connect(ctx, c, quiet)
	if err != nil {
		return []finding{{"broker", fail, err.Error()}}
	}
	defer client.close()
	found := []finding{{"broker", ok, fmt.Sprintf("%s at %s, nats-server %s, messages up to %d bytes",
		kind(c), client.url, client.nats.ConnectedServerVersion(), client.nats.MaxPayload())}}
	if c.NATS.External() {
		found = append(found, checkPayload(c, client.nats)...)
	}
	for _, name := range []string{c.Stream.Name, streams(c).Quarantine(), events(c).Dead()} {
		found = append(found, checkStream(ctx, c, client, name)...)
	}
	return append(found, checkDurables(ctx, c, client)...)
}

// checkDurables names the durables that the configuration does not. Of one that nobody asks for events it warns.
func checkDurables(ctx context.Context, c *config.Config, client *client) (found []finding) {
	all, err := consumer.Statuses(ctx, client.js, events(c))
	if err != nil { // there is no stream yet, or the check of it says what is wrong
		return nil
	}
	for _, s := range all {
		check := "durable " + s.Name
		switch {
		case c.Consumers.Has(s.Name):
		case s.Clients > 0:
			found = append(found, finding{check, ok, "not in this configuration; a client or another forebay works it off"})
		default:
			found = append(found, finding{check, warn, fmt.Sprintf("not in this configuration, and nobody asks it for events: if it "+
				"is left over, forebay consumers remove %s deletes it", s.Name)})
		}
	}
	return found
}

func kind(c *config.Config) string {
	if c.NATS.External() {
		return "external"
	}
	return "embedded"
}

// checkEmbedded is all that can be known of a server that serve will start.
func checkEmbedded(c *config.Config) []finding {
	f := checkListener("nats.listen", c.NATS.Listen)
	if f.Verdict != ok {
		return []finding{f}
	}
	return []finding{{"broker", ok, "embedded, starts with serve; " + f.Text}}
}

func checkPayload(c *config.Config, nc *nats.Conn) []finding {
	if want := 2*int64(c.Limits.Body) + overhead; nc.MaxPayload() < want {
		return []finding{{"broker", warn, fmt.Sprintf(
			"limits.body is lowered to %d bytes by the server's max_payload: set max_payload to %d for all of it",
			(nc.MaxPayload()-overhead)/2, want)}}
	}
	return nil
}

// checkStream compares a stream with the configuration.
func checkStream(ctx context.Context, c *config.Config, client *client, name string) []finding {
	check := "stream " + name
	s, err := client.js.Stream(ctx, name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return []finding{{check, ok, "does not exist yet: serve makes it"}}
	}
	if err != nil {
		return []finding{{check, fail, err.Error()}}
	}
	info := s.CachedInfo()
	found := []finding{{check, ok, fmt.Sprintf("%d messages, #%d to #%d, %d bytes",
		info.State.Msgs, info.State.FirstSeq, info.State.LastSeq, info.State.Bytes)}}
	differences, fate, err := compare(info.Config, c, client.nats.MaxPayload())
	for _, d := range differences {
		found = append(found, finding{check, warn, strings.TrimPrefix(d, check+": ") + fate})
	}
	if err != nil {
		found = append(found, finding{check, fail, err.Error()})
	}
	return found
}

// compare words how a stream differs from the configuration, and what serve will do about it.
func compare(have jetstream.StreamConfig, c *config.Config, maxPayload int64) (differences []string, fate string, err error) {
	dead := have.Name == events(c).Dead()
	var ours bool
	if dead {
		differences, ours = broker.Differences(have, events(c).DeadLetters())
	} else {
		differences, ours, err = streams(c).Compare(have, maxPayload)
	}
	switch {
	case ours:
		fate = ": serve changes it"
	case dead:
		fate = ": serve adds subjects that are missing, and leaves the rest, which others made or changed"
	default:
		fate = ": serve leaves it, which others made or changed"
	}
	return differences, fate, err
}
