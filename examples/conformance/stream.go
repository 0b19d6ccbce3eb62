package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// A stream is where the kit publishes what no provider would send at the right moment.
type stream struct {
	daemon *daemon
	nc     *nats.Conn
	js     jetstream.JetStream
	wire   schema.Wire
}

// openStream connects, and waits until the durable is there.
func openStream(ctx context.Context, d *daemon) (*stream, error) {
	nc, err := nats.Connect("nats://"+d.nats, nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond))
	if err != nil {
		return nil, err
	}
	s := &stream{daemon: d, nc: nc}
	if s.js, err = jetstream.New(nc); err == nil {
		err = errors.Join(s.openSealer(), s.await(ctx))
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return s, nil
}

func (s *stream) close() { s.nc.Close() }

func (s *stream) openSealer() error {
	public, err := os.ReadFile(filepath.Join(s.daemon.dir, "data", "seal.pub.jwk"))
	if err != nil {
		return err
	}
	sealer, err := schema.NewSealer(public)
	s.wire = schema.Wire{Prefix: "identity", Seal: sealer, Lifetimes: schema.Lifetimes()}
	return err
}

func (s *stream) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := s.js.Consumer(ctx, "IDENTITY", durable)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for durable %s: %w", durable, err)
		}
	}
}

// publish puts an event on the stream. Edit may change its message; nil changes nothing.
func (s *stream) publish(ctx context.Context, e schema.Event, edit func(*nats.Msg)) error {
	m, err := s.wire.Encode(e, "")
	if err != nil {
		return err
	}
	msg := &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}
	if edit != nil {
		edit(msg)
	}
	_, err = s.js.PublishMsg(ctx, msg)
	return err
}

// left counts what is under way: events that wait or have no answer yet, and dead letters that are not copied yet.
func (s *stream) left(ctx context.Context) (uint64, error) {
	c, err := s.js.Consumer(ctx, "IDENTITY", durable)
	if err != nil {
		return 0, err
	}
	advisories, err := s.js.Stream(ctx, "IDENTITY_ADVISORY")
	if err != nil {
		return 0, err
	}
	info := c.CachedInfo()
	return info.NumPending + uint64(max(0, info.NumAckPending)) + advisories.CachedInfo().State.Msgs, nil
}

// A letter is a dead letter, as "forebay dead list --json" prints it.
type letter struct {
	Source   string `json:"source"`
	EventID  string `json:"event_id"`
	Reason   string `json:"reason"`
	Attempts int    `json:"attempts"`
}

// dead gives the dead letters by the key of their event.
func (s *stream) dead(ctx context.Context) (map[string]letter, error) {
	out, err := s.daemon.call(ctx, "dead", "list", "--json", "--consumer", durable)
	if err != nil {
		return nil, err
	}
	all := map[string]letter{}
	for line := range strings.Lines(out) {
		var l letter
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		all[l.Source+"/"+l.EventID] = l
	}
	return all, nil
}

// sent is what "forebay send --json" prints of an answer.
type sent struct {
	IDs []string `json:"ids"`
}

// native is what "forebay send --list --json" prints of an action.
type native struct {
	Source string        `json:"source"`
	Native string        `json:"native"`
	Action schema.Action `json:"action"`
}

// deliver sends one signed delivery of each native action that becomes one of the two actions, from every provider. It
// gives the keys of the events and what they are.
func (s *stream) deliver(ctx context.Context) (map[string]native, error) {
	list, err := s.daemon.call(ctx, "send", "--list", "--json")
	if err != nil {
		return nil, err
	}
	keys := map[string]native{}
	for line := range strings.Lines(list) {
		var n native
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			return nil, fmt.Errorf("read what can be sent: %w", err)
		}
		if n.Action != requested && n.Action != created {
			continue
		}
		out, err := s.daemon.call(ctx, "send", n.Source, n.Native, "--json")
		if err != nil {
			return nil, err
		}
		var a sent
		if err := json.Unmarshal([]byte(out), &a); err != nil {
			return nil, fmt.Errorf("read what was sent: %w", err)
		}
		for _, id := range a.IDs {
			keys[n.Source+"/"+id] = n
		}
	}
	return keys, nil
}
