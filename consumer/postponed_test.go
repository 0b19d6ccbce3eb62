package consumer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/schema"
)

// A user's later events wait for one that a handler has postponed, however much longer than the schedule that is.
func TestOrderWaitsForThePostponed(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	stream := Stream{Name: "IDENTITY", Prefix: "identity"}
	if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: stream.Name, Subjects: []string{"identity.>"}}); err != nil {
		t.Fatal(err)
	}
	const delay = time.Hour
	c, err := New(js, Config{
		Name: "sync", Stream: stream, Retry: []time.Duration{10 * time.Second}, OrderedBy: OrderedByUser,
		Handler: func(context.Context, *Message) error { return After(delay, errors.New("busy")) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	defer func() { stop(); <-done }()
	for i := range 2 {
		publishOf(t, js, "ada", fmt.Sprint(i))
	}
	for end := time.Now().Add(30 * time.Second); c.order.awaited() != 1 || c.order.holding() != 1; wait(ctx, 10*time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for one event that is postponed and one that is held back")
		}
	}
	if late := c.order.overdue(time.Now().Add(delay)); len(late) > 0 {
		t.Error("the second event goes on before the first is due")
	}
	if late := c.order.overdue(time.Now().Add(delay + time.Minute)); len(late) != 1 {
		t.Error("the second event waits for ever")
	}
}

func publishOf(t *testing.T, js jetstream.JetStream, user, id string) {
	t.Helper()
	now := time.Now()
	m, err := schema.Wire{Prefix: "identity"}.Encode(schema.Event{
		ID: id, Action: "user.updated", Source: "ssofy", Provider: "ssofy", Native: "native", Time: now, Received: now,
		User: &schema.User{ID: user}, Payload: json.RawMessage(`{}`),
	}, "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}); err != nil {
		t.Fatal(err)
	}
}
