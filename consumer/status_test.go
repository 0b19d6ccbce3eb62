package consumer_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestStatuses(t *testing.T) {
	w := newWorld(t)
	w.letters()
	began := time.Now()
	w.publish("user.created", "1", "ada")
	w.publish("user.created", "2", "bob")
	w.declare(consumer.Config{Name: "audit", Actions: []string{"user.*", "otp.requested"}, MaxAttempts: 7})
	w.run(consumer.Config{
		Name: "crm", Retry: milliseconds(20, 60_000),
		Handler: func(_ context.Context, m *consumer.Message) error {
			if m.Event.ID == "2" {
				return consumer.Permanent(errors.New("no such customer"))
			}
			return errors.New("down")
		},
	})
	w.dead("crm", 1)
	consumertest.Eventually(t, "the second attempt", func() bool { return w.status("crm").Redelivered == 1 })
	audit, crm := w.status("audit"), w.status("crm")
	if audit.Lag != 2 || audit.InFlight != 0 || audit.Oldest.Before(began) || audit.MaxAttempts != 7 || audit.Clients != 0 ||
		!slices.Equal(audit.Actions, []string{"otp.requested", "user.*"}) || audit.Dead != 0 {
		t.Errorf("%+v", audit)
	}
	if crm.Lag != 0 || crm.InFlight != 1 || crm.Dead != 1 || crm.LastError != "permanent: no such customer" ||
		crm.Oldest.Before(began) || crm.LastAttempt.Before(began) || crm.Clients != 1 || !slices.Equal(crm.Actions, []string{"*"}) {
		t.Errorf("%+v", crm)
	}
}
