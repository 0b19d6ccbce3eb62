package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A copy has the headers of the event, and none of those that tell where its dead letter stood.
func TestRedriveCopies(t *testing.T) {
	w := newWorld(t)
	w.letters()
	stop := w.run(consumer.Config{Name: "crm", Handler: func(context.Context, *consumer.Message) error {
		return consumer.Permanent(errors.New("no"))
	}})
	original := message(t, "user.created", "1", "42")
	seq := w.send(original)
	l := w.dead("crm", 1)[0]
	stop()
	if done, err := (consumer.Redrive{JS: w.js, Stream: w.stream}).Run(t.Context()); err != nil || done.Given != 1 {
		t.Fatalf("redrive: %+v, %v", done, err)
	}
	durable, err := w.js.Consumer(t.Context(), "IDENTITY", "crm")
	if err != nil {
		t.Fatal(err)
	}
	msg, err := durable.Next()
	if err != nil {
		t.Fatal(err)
	}
	want := original.Header
	want.Set(schema.HeaderMsgID, fmt.Sprintf("redrive/crm/%d/%d", seq, l.ID))
	want.Set(consumer.HeaderReplayOf, fmt.Sprint(seq))
	want.Set(jetstream.ExpectedStreamHeader, "IDENTITY")
	if got := msg.Headers(); !reflect.DeepEqual(got, want) {
		t.Errorf("headers %v\nwant    %v", got, want)
	}
	if string(msg.Data()) != string(original.Data) {
		t.Errorf("got %s", msg.Data())
	}
}
