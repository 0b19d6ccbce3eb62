package forebay_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/ssofy"
	"github.com/forebayhq/forebay/publisher"
	"github.com/forebayhq/forebay/publisher/journal"
	"github.com/forebayhq/forebay/schema"
)

// One event's whole travel: SSOfy asks for a one-time code, and a consumer reads what to send to whom. It is what
// "forebay serve" wires up, with less around it.
func Example() {
	ctx := context.Background()
	quiet := slog.New(slog.DiscardHandler)
	data, err := os.MkdirTemp("", "forebay")
	check(err)
	defer os.RemoveAll(data)

	// The broker: a NATS server in this process, on a free port.
	b, err := broker.Start(ctx, broker.Config{Listen: "127.0.0.1:0", Data: filepath.Join(data, "nats"), Log: quiet})
	check(err)
	defer b.Close()

	// The journal, and the publisher that empties it into the stream.
	j, err := journal.Open(journal.Config{
		Dir: filepath.Join(data, "journal"), Now: time.Now, Log: quiet,
	})
	check(err)
	defer j.Close()
	nc, err := b.Dial("example")
	check(err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	check(err)
	streams := broker.Streams{Name: "IDENTITY", Prefix: "identity", MaxAge: 720 * time.Hour, GuardWindow: b.GuardWindow()}
	prepare := func(ctx context.Context, js jetstream.JetStream, stream string) error {
		_, err := broker.EnsureOne(ctx, js, streams, stream)
		return err
	}
	check(prepare(ctx, js, streams.Name))
	p := publisher.New(publisher.Config{
		Journal: j, Prepare: prepare,
		Dial:   func() (*nats.Conn, error) { return b.Dial("publisher", nats.NoReconnect()) },
		Stream: streams.Name, Quarantine: streams.Quarantine(), Prefix: streams.Prefix,
		Guard: b.GuardWindow(), Now: time.Now, Log: quiet, Metrics: prometheus.NewRegistry(),
	}, publisher.Rules{Urgent: schema.Urgent(), Dedupe: 96 * time.Hour})
	ctx, stop := context.WithCancel(ctx)
	published := make(chan error)
	go func() { published <- p.Run(ctx) }()
	defer func() { stop(); check(<-published) }()

	// The way in, with one source: it stores through the publisher.
	source, err := ssofy.New(provider.Config{
		Source: "ssofy", Secrets: []string{"between us"}, Path: "/webhooks/ssofy", Now: time.Now,
	})
	check(err)
	in, err := ingress.New(ingress.Config{
		Sources: []ingress.Source{{Name: "ssofy", ProviderName: "ssofy", Path: "/webhooks/ssofy", Provider: source}},
		Limits:  ingress.Limits{Body: 1 << 20},
		Store:   p,
		Wire:    schema.Wire{Prefix: "identity", Lifetimes: schema.Lifetimes(), MaxBytes: b.MaxPayload()},
	})
	check(err)
	webhooks := httptest.NewServer(in)
	defer webhooks.Close()

	// SSOfy sends, twice: its answer to the first got lost.
	delivery := provider.Request{
		Method: http.MethodPost, URL: &url.URL{Path: "/webhooks/ssofy"},
		Header: http.Header{"Content-Type": {"application/json"}},
		Body: []byte(`{"action":"otp_requested","payload":{"option":{"id":"authentication-email-42","type":"email",` +
			`"to":"ada@example.com","hint":"*da@example.com","user_id":"42","action":"authentication"}}}`),
	}
	check(source.(provider.Signer).Sign(&delivery))
	for range 2 {
		send(webhooks.URL, delivery)
	}

	// A consumer, in any language, reads every code from anywhere.
	codes, err := js.CreateOrUpdateConsumer(ctx, streams.Name, jetstream.ConsumerConfig{FilterSubject: "identity.*.otp.requested"})
	check(err)
	message, err := codes.Next()
	check(err)
	event, err := schema.Parse(message.Subject(), message.Headers(), message.Data())
	check(err)
	fmt.Println(message.Subject(), "lives", message.Headers().Get("Nats-TTL"))
	fmt.Println(event.Action, event.Semantics, "by", event.OTP.Channel, "to", event.OTP.To, "for user", event.User.ID)
	check(message.Ack())
	info, err := codes.Info(ctx)
	check(err)
	fmt.Println("left:", info.NumPending)

	// Output:
	// 200 OK stored: journal signed: true
	// 200 OK stored: journal signed: true
	// identity.ssofy.otp.requested lives 10m0s
	// otp.requested command by email to ada@example.com for user 42
	// left: 0
}

// send prints what SSOfy is told.
func send(base string, r provider.Request) {
	request, err := http.NewRequest(r.Method, base+r.URL.Path, bytes.NewReader(r.Body))
	check(err)
	request.Header = r.Header
	answer, err := http.DefaultClient.Do(request)
	check(err)
	defer answer.Body.Close()
	signed := answer.Header.Get("Signature") != ""
	fmt.Println(answer.Status, "stored:", answer.Header.Get("Forebay-Stored"), "signed:", signed)
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
