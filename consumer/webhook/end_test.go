package webhook

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
)

// An event travels from the stream to the receiver: refused once, taken at the second attempt under the same ID. One
// that the receiver never wants is a dead letter with the status as its reason.
func TestFromStreamToReceiver(t *testing.T) {
	server := brokertest.Start(t)
	js := server.JetStream(t)
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	letters := &consumer.DeadLetters{JS: js, Stream: stream}
	if err := letters.Declare(t.Context()); err != nil {
		t.Fatal(err)
	}
	background(t, letters.Run)

	r := receive(t, func(w http.ResponseWriter, request *http.Request) {
		switch {
		case request.Header.Get("ce-id") == "unwanted":
			w.WriteHeader(http.StatusGone)
		case request.Header.Get("Forebay-Attempt") == "1":
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	j := newJob(t, Options{URL: r.URL})
	config := consumer.Config{Name: "crm", Stream: stream, Retry: []time.Duration{time.Minute}, Handler: j.Handle}
	if _, err := consumer.Declare(t.Context(), js, config); err != nil {
		t.Fatal(err)
	}
	c, err := consumer.New(js, config)
	if err != nil {
		t.Fatal(err)
	}
	background(t, c.Run)
	background(t, j.Run)

	publish(t, js, "wanted")
	publish(t, js, "unwanted")
	var dead []consumer.Dead
	eventually(t, "three requests and a dead letter", func() bool {
		dead = nil
		err := consumer.List(t.Context(), js, stream, consumer.DeadFilter{}, func(d consumer.Dead) error {
			dead = append(dead, d)
			return nil
		})
		return err == nil && len(dead) == 1 && len(r.all()) == 3
	})
	want := fmt.Sprintf("permanent: post to %s: status 410", r.Listener.Addr())
	if dead[0].EventID != "unwanted" || dead[0].Reason != want || dead[0].Attempts != 1 {
		t.Errorf("got dead letter of %s: %s after %d attempts, want %s", dead[0].EventID, dead[0].Reason, dead[0].Attempts, want)
	}
	ids := map[string]int{}
	for _, p := range r.all() {
		ids[p.header.Get("ce-id")+p.header.Get("webhook-id")]++
		if err := verifyNow(p); err != nil {
			t.Error(err)
		}
	}
	if len(ids) != 2 {
		t.Errorf("got %v, want one ID for each event", ids)
	}
}

// verifyNow checks what every attempt has.
func verifyNow(p post) error {
	if p.header.Get("traceparent") != trace || p.header.Get("webhook-signature") == "" {
		return fmt.Errorf("got %v", p.header)
	}
	return nil
}

func publish(t *testing.T, js jetstream.JetStream, id string) {
	t.Helper()
	m := encode(t, id)
	if _, err := js.PublishMsg(t.Context(), &nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}); err != nil {
		t.Fatal(err)
	}
}

// background runs f until the test ends.
func background(t *testing.T, f func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	})
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}
