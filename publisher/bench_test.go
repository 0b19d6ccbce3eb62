package publisher

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// BenchmarkPublish is what it costs to bring an event from the journal to the stream, against plain asynchronous
// publishing of the same messages. Both end when the stream has acknowledged all.
func BenchmarkPublish(b *testing.B) {
	b.Run("journal", func(b *testing.B) {
		server := brokertest.Start(b)
		j, err := journal.Open(journal.Config{Dir: b.TempDir(), Now: time.Now, Log: log})
		if err != nil {
			b.Fatal(err)
		}
		defer j.Close()
		p := New(Config{
			Journal: j, Dial: func() (*nats.Conn, error) { return nats.Connect(server.URL, nats.NoReconnect()) },
			Prepare: prepare, Stream: "IDENTITY", Quarantine: "IDENTITY_QUARANTINE", Prefix: "identity",
			Guard: time.Hour, Now: time.Now, Log: log, Metrics: prometheus.NewRegistry(),
		}, Rules{Dedupe: time.Hour})
		for batch := range batches(b.N) {
			if _, err := p.Store(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportAllocs()
		b.ResetTimer()
		go func() { _ = p.Run(b.Context()) }()
		awaitMessages(b, server.JetStream(b), b.N)
		b.StopTimer()
	})
	b.Run("plain", func(b *testing.B) {
		js := brokertest.Start(b).JetStream(b)
		if err := prepare(b.Context(), js, "IDENTITY"); err != nil {
			b.Fatal(err)
		}
		b.ReportAllocs()
		b.ResetTimer()
		for batch := range batches(b.N) {
			for _, m := range batch {
				if _, err := js.PublishMsgAsync(&nats.Msg{Subject: m.Subject, Header: m.Header.Map(), Data: m.Body}); err != nil {
					b.Fatal(err)
				}
			}
		}
		<-js.PublishAsyncComplete()
	})
}

// batches are n messages of the size that events have, a hundred at a time.
func batches(n int) func(yield func([]schema.Message) bool) {
	body := make([]byte, 900)
	return func(yield func([]schema.Message) bool) {
		for at := 0; at < n; at += 100 {
			var batch []schema.Message
			for i := at; i < min(at+100, n); i++ {
				m := message("login.succeeded", fmt.Sprint(i))
				m.Body = body
				for h := range 10 {
					m.Header += schema.Header(fmt.Sprintf("ce-header%d: some value of a header\r\n", h))
				}
				batch = append(batch, m)
			}
			if !yield(batch) {
				return
			}
		}
	}
}

func awaitMessages(b *testing.B, js jetstream.JetStream, want int) {
	b.Helper()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-look.C {
		stream, err := js.Stream(b.Context(), "IDENTITY")
		if err == nil && stream.CachedInfo().State.Msgs >= uint64(want) { //nolint:gosec // a count
			return
		}
	}
	b.Fatalf("the stream has not %d messages", want)
}
