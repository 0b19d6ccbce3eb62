package consumer_test

import (
	"context"
	"errors"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// The server is away when the last attempt succeeds: the event is done with, and no dead letter.
func TestLastAnswerWaitsForTheServer(t *testing.T) {
	w := newWorld(t)
	w.letters()
	registry := prometheus.NewRegistry()
	metrics, err := consumer.NewMetrics(registry)
	if err != nil {
		t.Fatal(err)
	}
	began, release := make(chan struct{}), make(chan struct{})
	consumertest.Run(t, w.server.JetStream(t, nats.ReconnectBufSize(-1)), consumer.Config{
		Name: "crm", Stream: w.stream, Retry: milliseconds(3000), MaxAttempts: 1, Metrics: metrics,
		Handler: func(_ context.Context, m *consumer.Message) error {
			if m.Event.ID == "refused" {
				return consumer.Permanent(errors.New("no"))
			}
			close(began)
			<-release
			return nil
		},
	})
	w.publish("user.created", "done", "1")
	<-began
	w.server.Stop()
	close(release)
	consumertest.Eventually(t, "the verdict", func() bool { return count(t, registry, "forebay_attempts_total") == 1 })
	w.server.Start()
	w.settled("crm")
	w.publish("user.created", "refused", "1")
	consumertest.Eventually(t, "a dead letter", func() bool { return len(w.list(consumer.DeadFilter{})) > 0 })
	if l := w.list(consumer.DeadFilter{})[0]; l.EventID != "refused" {
		t.Errorf("got a dead letter of %s: %s", l.EventID, l.Reason)
	}
}
