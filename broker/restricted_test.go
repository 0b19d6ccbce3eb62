package broker

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// makeStream makes the streams and durables that a restricted client meets.
func makeStream(t *testing.T, operator jetstream.JetStream, replicas int, durables ...string) {
	t.Helper()
	if _, err := Ensure(t.Context(), operator, Streams{Name: "IDENTITY", Prefix: "identity", Replicas: replicas}); err != nil {
		t.Fatal(err)
	}
	for _, durable := range durables {
		c := jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute}
		if _, err := operator.CreateConsumer(t.Context(), "IDENTITY", c); err != nil {
			t.Fatal(err)
		}
	}
}

func publish(t *testing.T, operator jetstream.JetStream, events int) {
	t.Helper()
	for n := range events {
		if _, err := operator.Publish(t.Context(), "identity.ssofy.user.created", fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
}

func fetch(t *testing.T, js jetstream.JetStream, durable string, events int) (got []jetstream.Msg) {
	t.Helper()
	c, err := js.Consumer(t.Context(), "IDENTITY", durable)
	if err != nil {
		t.Fatalf("bind: %v", err)
	}
	batch, err := c.Fetch(events, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for m := range batch.Messages() {
		got = append(got, m)
	}
	if err := batch.Error(); err != nil || len(got) != events {
		t.Fatalf("fetched %d events of %d: %v", len(got), events, err)
	}
	return got
}

func durableInfo(t *testing.T, js jetstream.JetStream, durable string) *jetstream.ConsumerInfo {
	t.Helper()
	c, err := js.Consumer(t.Context(), "IDENTITY", durable)
	if err != nil {
		t.Fatal(err)
	}
	return c.CachedInfo()
}

// checkWorksOff fails unless the client finds a durable, fetches from it, and may give every answer there is.
func checkWorksOff(t *testing.T, operator jetstream.JetStream, client *nats.Conn, durable string) {
	t.Helper()
	js, err := jetstream.New(client)
	if err != nil {
		t.Fatal(err)
	}
	before := durableInfo(t, operator, durable)
	publish(t, operator, 5)
	m := fetch(t, js, durable, 5)
	for _, err := range []error{
		m[0].Ack(), m[1].Term(), m[2].InProgress(), m[3].NakWithDelay(time.Minute), m[4].DoubleAck(t.Context()),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	wait(t, "three answers that end it", func() bool {
		info := durableInfo(t, js, durable)
		return info.NumAckPending == before.NumAckPending+2 && info.NumPending == before.NumPending
	})
}

// checkMayNothingElse fails if anything is answered that a client of one durable need not ask.
func checkMayNothingElse(t *testing.T, client *nats.Conn, durable string) {
	t.Helper()
	ask := func(subject, body string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := client.RequestWithContext(ctx, subject, []byte(body))
		if !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%s: got an answer or %v, want no responders", subject, err)
		}
	}
	const api = "$JS.API."
	ask(api+"CONSUMER.INFO.IDENTITY.crm", "")
	ask(api+"CONSUMER.MSG.NEXT.IDENTITY.crm", `{"batch":1}`)
	ask(api+"CONSUMER.CREATE.IDENTITY.mine", `{"stream_name":"IDENTITY","config":{"name":"mine"}}`)
	ask(api+"CONSUMER.DURABLE.CREATE.IDENTITY."+durable, `{"stream_name":"IDENTITY","config":{"durable_name":"`+durable+`"}}`)
	ask(api+"CONSUMER.DELETE.IDENTITY."+durable, "")
	ask(api+"CONSUMER.NAMES.IDENTITY", "")
	ask(api+"STREAM.INFO.IDENTITY", "")
	ask(api+"STREAM.MSG.GET.IDENTITY", `{"seq":1}`)
	ask(api+"DIRECT.GET.IDENTITY", `{"seq":1}`)
	ask(api+"STREAM.PURGE.IDENTITY", "")
	ask(api+"STREAM.DELETE.IDENTITY", "")
	ask(api+"STREAM.CREATE.MINE", `{"name":"MINE","subjects":["mine"]}`)
	ask("$SYS.REQ.SERVER.PING", "")
	ask("identity.ssofy.user.created", "forged")
	ask("$JS.ACK.IDENTITY.crm.1.1.1.1.0", "+ACK")
}

// checkShutIn fails if the client brings anything onto the stream, or touches the durable crm, by having the answers to
// what it may ask for sent to subjects of others.
func checkShutIn(t *testing.T, operator jetstream.JetStream, client *nats.Conn, durable string) {
	t.Helper()
	js, err := jetstream.New(client)
	if err != nil {
		t.Fatal(err)
	}
	publish(t, operator, 6)
	crm := fetch(t, operator, "crm", 1)[0]
	stored, inFlight := lastSequence(t, operator), durableInfo(t, operator, "crm").NumAckPending

	heard := make(chan *nats.Msg, 64) // answers stay in the account of the client, whatever they are addressed to
	for _, all := range []string{"identity.>", "identity-redrive.>"} {
		if _, err := client.ChanSubscribe(all, heard); err != nil {
			t.Fatal(err)
		}
	}
	haveAnswersSent(t, js, client, durable, crm.Reply(), func(answers int) {
		t.Helper()
		wait(t, "the answers, among ourselves or where they must not be", func() bool {
			return len(heard) >= answers || lastSequence(t, operator) != stored
		})
	})
	if last := lastSequence(t, operator); last != stored {
		t.Errorf("%d events of the client's are on the stream", last-stored)
	}
	if n := durableInfo(t, operator, "crm").NumAckPending; n != inFlight {
		t.Errorf("the durable of another has %d events in flight, want %d", n, inFlight)
	}
	if err := crm.DoubleAck(t.Context()); err != nil {
		t.Error(err)
	}
}

// haveAnswersSent asks for everything that a client of a durable may ask for, and names subjects of events, of requests
// and of another's acknowledgement as the ones to answer to. It calls settled with the number of answers that go to
// subjects of events.
func haveAnswersSent(t *testing.T, js jetstream.JetStream, c *nats.Conn, durable, foreignAck string, settled func(int)) {
	t.Helper()
	const info, next = "$JS.API.CONSUMER.INFO.IDENTITY.", "$JS.API.CONSUMER.MSG.NEXT.IDENTITY."
	ask := func(reply, subject, body string) {
		_ = c.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: []byte(body)}) // the library may know better
	}
	events := []string{"identity.ssofy.user.deleted", "identity-redrive.crm.ssofy.user.deleted"}
	for _, reply := range events {
		held := fetch(t, js, durable, 1)[0].Reply()
		ask(reply, next+durable, "1")
		ask(reply, held, "+NXT")
		ask(reply, held, "+ACK")
	}
	settled(3 * len(events))
	for _, reply := range append(events, "$JS.API.STREAM.DELETE.IDENTITY", foreignAck, "_R_.forged") {
		ask(reply, next+durable, `{"batch":1,"no_wait":true}`) // none is left: an answer without a body, as an ack is
		ask(reply, info+durable, "")
	}
	settled(5 * len(events))
}

func lastSequence(t *testing.T, operator jetstream.JetStream) uint64 {
	t.Helper()
	s, err := operator.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatalf("the stream: %v", err)
	}
	return s.CachedInfo().State.LastSeq
}
