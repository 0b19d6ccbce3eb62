// Command nats handles events with plain nats.go, and so shows what any client in any language has to do: bind to the
// durable, keep long work alive, acknowledge what is done, leave what failed to the server's schedule, and terminate what
// no further attempt will mend.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	parallel = 16               // events at a time
	maxAge   = 10 * time.Minute // an older code is of no use to anybody
)

// An event is what we read of one: the schema has more.
type event struct {
	ID       string
	Action   string
	Source   string
	Received time.Time
	User     *struct {
		ID       string
		Email    *string
		Password json.RawMessage
	}
	OTP *struct{ To, Channel string }
}

// errPermanent marks what no further attempt will mend.
var errPermanent = errors.New("permanent")

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewJSONHandler(os.Stderr, nil))
	if err := run(ctx, os.Getenv, log); err != nil {
		log.Error("consumer", "err", err)
		os.Exit(1)
	}
}

// run handles events until ctx ends, and finishes what is under way.
func run(ctx context.Context, getenv func(string) string, log *slog.Logger) error {
	w := worker{url: getenv("WORK_URL"), log: log}
	key, err := os.ReadFile(getenv("SEAL_KEY"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(key, &w.sealKey); err != nil {
		return err
	}
	nc, err := nats.Connect(getenv("NATS_URL"), nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	durable, err := js.Consumer(ctx, getenv("FOREBAY_STREAM"), getenv("FOREBAY_CONSUMER"))
	if err != nil {
		return fmt.Errorf("bind to the durable: %w", err)
	}
	w.settings = durable.CachedInfo().Config
	return w.consume(ctx, durable)
}

// A worker handles events: its work is to call a service of ours.
type worker struct {
	url      string
	sealKey  jose.JSONWebKey
	settings jetstream.ConsumerConfig
	log      *slog.Logger
}

// consume hands out events, so many at a time. The client fetches no more than that ahead, and reconnects by itself.
func (w worker) consume(ctx context.Context, durable jetstream.Consumer) error {
	slots := make(chan struct{}, parallel)
	var underway sync.WaitGroup
	consuming, err := durable.Consume(func(msg jetstream.Msg) {
		slots <- struct{}{}
		underway.Go(func() {
			defer func() { <-slots }()
			w.attempt(context.WithoutCancel(ctx), msg)
		})
	}, jetstream.PullMaxMessages(parallel))
	if err != nil {
		return err
	}
	<-ctx.Done()
	consuming.Drain() // what was fetched is still handed out
	<-consuming.Closed()
	underway.Wait()
	return nil
}

// attempt handles one message and answers the server.
func (w worker) attempt(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		w.log.Error("no message of JetStream", "err", err)
		return
	}
	done := make(chan struct{})
	go w.keepAlive(msg, done)
	err = w.handle(ctx, msg)
	close(done)
	last := meta.NumDelivered >= uint64(w.settings.MaxDeliver) //nolint:gosec // a handful
	switch {
	case err == nil:
		err = msg.Ack()
	case errors.Is(err, errPermanent):
		err = msg.TermWithReason(err.Error())
	case last:
		err = msg.TermWithReason("max deliveries: " + err.Error())
	default: // unanswered it comes again by the schedule; a bare Nak would bring it back at once
		w.log.Warn("event not done", "seq", meta.Sequence.Stream, "attempt", meta.NumDelivered, "err", err)
		return
	}
	if err != nil {
		w.log.Error("answer the server", "seq", meta.Sequence.Stream, "err", err) // it will ask again
	}
}

// keepAlive tells the server that the event is worked on, more often than it waits.
func (w worker) keepAlive(msg jetstream.Msg, done <-chan struct{}) {
	tick := time.NewTicker(w.settings.AckWait / 2)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = msg.InProgress() // if it gets lost, the event comes once more
		case <-done:
			return
		}
	}
}

// handle does the work for one event.
func (w worker) handle(ctx context.Context, msg jetstream.Msg) error {
	var e event
	if err := json.Unmarshal(msg.Data(), &e); err != nil {
		return fmt.Errorf("%w: no event: %w", errPermanent, err)
	}
	switch {
	case e.Action == "otp.requested" && e.OTP != nil && e.User != nil:
		if time.Since(e.Received) > maxAge {
			return fmt.Errorf("%w: expired", errPermanent)
		}
		return w.post(ctx, "/codes", e, map[string]any{"to": e.OTP.To, "channel": e.OTP.Channel, "user": e.User.ID})
	case e.Action == "user.created" && e.User != nil:
		password, err := w.open(e.User.Password)
		if err != nil {
			return fmt.Errorf("%w: %w", errPermanent, err)
		}
		return w.post(ctx, "/users", e, map[string]any{"id": e.User.ID, "email": e.User.Email, "password": password})
	case e.Action == "otp.requested", e.Action == "user.created":
		return fmt.Errorf("%w: the event says nothing of whom it is about", errPermanent)
	}
	return nil // of no interest to us
}

// open gives the text of a sealed member, and anything else as it is.
func (w worker) open(member json.RawMessage) (any, error) {
	var sealed struct{ Sealed string }
	if json.Unmarshal(member, &sealed) != nil || sealed.Sealed == "" {
		return member, nil
	}
	object, err := jose.ParseEncryptedCompact(sealed.Sealed, []jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, err
	}
	text, err := object.Decrypt(w.sealKey)
	return string(text), err
}

// post calls the service. The key of the event goes with it: a second call for the same event changes nothing there.
func (w worker) post(ctx context.Context, path string, e event, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Idempotency-Key", e.Source+"/"+e.ID)
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return verdict(response.StatusCode)
}

// verdict is nil for what is done, and permanent for what no further attempt will mend.
func verdict(status int) error {
	switch {
	case status < 300:
		return nil
	case 400 <= status && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		return fmt.Errorf("%w: the service answers %d", errPermanent, status)
	}
	return fmt.Errorf("the service answers %d", status)
}
