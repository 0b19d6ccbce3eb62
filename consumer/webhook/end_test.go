package webhook

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// An event travels from the stream to the receiver: refused once, taken at the second attempt under the same ID. One
// that the receiver never wants is a dead letter with the status as its reason.
func TestFromStreamToReceiver(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	stream := consumer.Stream{Name: "IDENTITY", Prefix: "identity"}
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	consumertest.Collect(t, &consumer.DeadLetters{JS: js, Stream: stream})

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
	consumertest.Run(t, js, consumer.Config{
		Name: "crm", Stream: stream, Retry: []time.Duration{time.Minute}, Handler: j.Handle,
	})
	consumertest.Background(t, j.Run)

	consumertest.Publish(t, js, encode(t, "wanted"))
	consumertest.Publish(t, js, encode(t, "unwanted"))
	var dead []consumer.Dead
	consumertest.Eventually(t, "three requests and a dead letter", func() bool {
		dead = consumertest.Dead(t, js, stream, consumer.DeadFilter{})
		return len(dead) == 1 && len(r.all()) == 3
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
	if p.header.Get("traceparent") != consumertest.Trace || p.header.Get("webhook-signature") == "" {
		return fmt.Errorf("got %v", p.header)
	}
	return nil
}
