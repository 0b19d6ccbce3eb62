package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A dry run counts what a run then does, and changes nothing.
func TestRedriveDryRun(t *testing.T) {
	w := newWorld(t)
	w.letters()
	stop := w.run(consumer.Config{Name: "crm", Handler: func(context.Context, *consumer.Message) error {
		return consumer.Permanent(errors.New("no"))
	}})
	for i := range 3 {
		w.publish("user.created", fmt.Sprint(i), "42")
	}
	old := messageAt(t, "otp.requested", "old", "42", time.Now().Add(-2*time.Hour))
	old.Header.Set(schema.HeaderTTL, "1h")
	w.send(old)
	w.dead("crm", 4)
	stop()
	w.settled("crm")

	want := consumer.Redriven{Total: 4, Given: 3, Lapsed: 1}
	dry, err := consumer.Redrive{JS: w.js, Stream: w.stream, DryRun: true}.Run(t.Context())
	if err != nil || dry != want {
		t.Errorf("dry run: %+v, %v, want %+v", dry, err, want)
	}
	w.settled("crm")
	w.dead("crm", 4)
	if done, err := (consumer.Redrive{JS: w.js, Stream: w.stream}).Run(t.Context()); err != nil || done != want {
		t.Errorf("run: %+v, %v, want %+v", done, err, want)
	}
}
