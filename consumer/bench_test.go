package consumer_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
)

// Events handled, against plain JetStream fetch of the same messages with the same number of acknowledgements.
func BenchmarkHandled(b *testing.B) {
	server := brokertest.Start(b)
	js := server.JetStream(b)
	if _, err := broker.Ensure(b.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		b.Fatal(err)
	}
	for _, order := range []string{"plain", "", consumer.OrderedByUser} {
		b.Run("ordered by "+order, func(b *testing.B) {
			c := consumer.Config{
				Name: fmt.Sprintf("bench%s%d", order, time.Now().UnixNano()), Stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"}, New: true,
				Parallel: 64,
			}
			if _, err := consumer.Declare(b.Context(), js, c); err != nil {
				b.Fatal(err)
			}
			for i := range b.N {
				if _, err := js.PublishMsgAsync(message(b, "user.updated", fmt.Sprint(c.Name, i), fmt.Sprint(i%1000))); err != nil {
					b.Fatal(err)
				}
			}
			<-js.PublishAsyncComplete()
			b.ResetTimer()
			if order == "plain" {
				plain(b, js, c.Name)
				return
			}
			c.OrderedBy = order
			ctx, cancel := context.WithCancel(b.Context())
			var n atomic.Int64
			c.Handler = func(context.Context, *consumer.Message) error {
				if n.Add(1) == int64(b.N) {
					cancel()
				}
				return nil
			}
			made, err := consumer.New(server.JetStream(b), c)
			if err != nil {
				b.Fatal(err)
			}
			if err := made.Run(ctx); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func plain(b *testing.B, js jetstream.JetStream, name string) {
	b.Helper()
	durable, err := js.Consumer(b.Context(), "IDENTITY", name)
	if err != nil {
		b.Fatal(err)
	}
	for n := 0; n < b.N; {
		batch, err := durable.Fetch(min(64, b.N-n))
		if err != nil {
			b.Fatal(err)
		}
		for msg := range batch.Messages() {
			if err := msg.Ack(); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
}
