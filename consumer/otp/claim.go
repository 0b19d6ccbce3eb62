package otp

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
)

// The states of a claim. No claim is like an open one.
const (
	stateOpen    = "open"    // no message is out
	stateSending = "sending" // one may be out
	stateSent    = "sent"    // one is out
)

// A claim is what the bucket keeps of an event, by a hash of consumer, source and ID.
type claim struct {
	State string `json:"state"`
	Copy  uint64 `json:"copy"` // the sequence of the message in the stream: redrive and replay make copies
	Nonce string `json:"nonce"`

	claims   *claims
	key      string
	revision uint64    // 0: there was none
	written  time.Time // by the server's clock
	seq      uint64    // of this attempt's message
	decided  bool      // that a message may go out although another may be out
	taken    bool      // this attempt tried to write "sending", and perhaps did
}

type claims struct {
	bucket
	consumer string
}

// A doubtError says that a message may have gone out, and may not.
type doubtError struct{ error }

func (e doubtError) Unwrap() error { return e.error }

var (
	errDoubt = doubtError{errors.New("in doubt: an attempt ended between handing the message over and the answer; " +
		"redrive the event to risk a second message")}
	errBusy = errors.New("another attempt is sending this code")
)

// of reads the claim on a message's event.
func (s *claims) of(ctx context.Context, m *consumer.Message) (*claim, error) {
	c := &claim{claims: s, key: digest(s.consumer, m.Event.Source, m.Event.ID), seq: m.Seq}
	if err := c.load(ctx); err != nil {
		return nil, fmt.Errorf("read the claim on the event: %w", err)
	}
	c.decided = m.ReplayOf > 0 && c.Copy != m.Seq
	return c, nil
}

func (c *claim) load(ctx context.Context) error {
	kv, err := c.claims.open(ctx)
	if err != nil {
		return err
	}
	entry, err := kv.Get(ctx, c.key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		c.revision = 0
		return nil
	}
	if err != nil {
		c.claims.forget(err)
		return err
	}
	c.revision, c.written = entry.Revision(), entry.Created()
	return json.Unmarshal(entry.Value(), c)
}

// free reports, by no error, that a message may go out. An operator who redrives an event in doubt has decided so.
func (c *claim) free(now time.Time, window time.Duration) error {
	if c.State != stateSending {
		return nil
	}
	if rest := window - now.Sub(c.written); rest > 0 {
		return consumer.After(min(rest, window)+time.Second, errBusy)
	}
	if c.decided {
		return nil
	}
	return consumer.Permanent(errDoubt)
}

// take writes "sending". Of several attempts at one event it succeeds for one.
func (c *claim) take(ctx context.Context) error {
	c.taken = true
	c.Copy, c.Nonce = c.seq, rand.Text()
	if err := c.write(ctx, stateSending); err != nil {
		c.claims.forget(err)
		return fmt.Errorf("claim the event: %w", err)
	}
	return nil
}

// note writes what became of a message, for as long as ctx lasts. Where another attempt has taken over it writes nothing.
func (c *claim) note(ctx context.Context, state string) error {
	b := backoff.NewExponentialBackOff(backoff.WithInitialInterval(50 * time.Millisecond))
	nonce := c.Nonce
	err := backoff.Retry(func() error {
		if err := c.load(ctx); err != nil {
			return err
		}
		if c.Nonce != nonce || c.revision == 0 {
			return nil
		}
		return c.write(ctx, state)
	}, backoff.WithContext(b, ctx))
	if err != nil {
		return fmt.Errorf("note in the claim %q: %w", state, err)
	}
	return nil
}

// write replaces the revision that was read, and no other.
func (c *claim) write(ctx context.Context, state string) error {
	kv, err := c.claims.open(ctx)
	if err != nil {
		return err
	}
	next := *c
	next.State = state
	text, err := json.Marshal(next)
	if err != nil {
		return err
	}
	if c.revision == 0 {
		c.revision, err = kv.Create(ctx, c.key, text)
	} else {
		c.revision, err = kv.Update(ctx, c.key, text, c.revision)
	}
	return err
}
