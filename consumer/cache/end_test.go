package cache_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/ssofy"
	"github.com/forebayhq/forebay/schema"
)

// What SSOfy sends, through NATS, into Redis.
func TestEndToEnd(t *testing.T) {
	js := brokertest.Start(t).JetStream(t)
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	s := consumertest.StartRedis(t)
	consumertest.Run(t, js, consumer.Config{
		Name: "cache", Stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"}, Handler: start(t, "url: "+s.URL()).Handle,
		Actions: []string{"token.revoked", "cache.reset", "user.updated"}, Retry: []time.Duration{50 * time.Millisecond},
	})

	sealer, _ := consumertest.SealKeys(t)
	// send publishes a sample, after the keys of its token were set.
	send := func(native string) {
		e := sample(t, native)
		if e.Token != nil {
			var token string
			if err := json.Unmarshal(e.Token.Value, &token); err != nil {
				t.Fatal(err)
			}
			set(t, s.Client(), verify+token, whoami+token)
		}
		m, err := schema.Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
		if err != nil {
			t.Fatal(err)
		}
		consumertest.Publish(t, js, m)
	}
	only := func(n int64) func() bool {
		return func() bool { return s.Client().DBSize(t.Context()).Val() == n }
	}
	set(t, s.Client(), "mine", verify+"other")
	send("user_updated")
	send("token_deleted")
	consumertest.Eventually(t, "the token's keys to go", only(2))
	send("safety_reset")
	consumertest.Eventually(t, "all cached answers to go", only(1))
}

func sample(t *testing.T, native string) schema.Event {
	t.Helper()
	p, err := ssofy.New(provider.Config{Source: "ssofy", Secrets: []string{"SECRET"}, Path: "/webhooks/ssofy", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	e := providertest.Decode(t, p, providertest.Signed(t, p, native))
	e.Source, e.Provider, e.Received = "ssofy", "ssofy", time.Now()
	return e
}
