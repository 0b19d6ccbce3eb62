package consumertest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// Trace is the trace context of the events that [UserCreated] makes.
const Trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

// UserCreated is an event on the wire, of noon on 1 March 2026. The user's ID is what a job must not trip over.
func UserCreated(t testing.TB, id, user string) schema.Message {
	t.Helper()
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	m, err := schema.Wire{Prefix: "identity"}.Encode(schema.Event{
		ID: id, Action: "user.created", Source: "ssofy", Provider: "ssofy", Native: "user_created",
		Time: noon, Received: noon, User: &schema.User{ID: user}, Payload: json.RawMessage(`{"a":  1}`),
	}, Trace)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// SecondAttempt hands an event over as a consumer does: the second attempt of six, with the event #7 of the stream.
func SecondAttempt(t testing.TB, m schema.Message) *consumer.Message {
	t.Helper()
	e, err := schema.Parse(m.Subject, m.Header.Map(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &consumer.Message{
		Event: e, Subject: m.Subject, Header: m.Header.Map(), Body: m.Body,
		Seq: 7, Stored: e.Received, Attempt: 2, MaxAttempts: 6, Traceparent: Trace,
	}
}

// SealKeys makes a pair of keys: sealer seals to the public one, open opens with the private one.
func SealKeys(t testing.TB) (sealer *schema.Sealer, open func(sealed string) ([]byte, error)) {
	t.Helper()
	private, public, err := schema.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if sealer, err = schema.NewSealer(public); err != nil {
		t.Fatal(err)
	}
	return sealer, func(sealed string) ([]byte, error) { return schema.OpenSealed(private, sealed) }
}
