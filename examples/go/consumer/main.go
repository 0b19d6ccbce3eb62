// Command consumer handles events with Forebay's own package: it heeds the schedule, keeps long work alive, bounds
// everything, and turns what the handler returns into the right answer.
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
	"syscall"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

const maxAge = 10 * time.Minute // an older code is of no use to anybody

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
	key, err := os.ReadFile(getenv("SEAL_KEY"))
	if err != nil {
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
	config, err := declared(ctx, js, getenv("FOREBAY_STREAM"), getenv("FOREBAY_CONSUMER"))
	if err != nil {
		return err
	}
	config.Handler = worker{url: getenv("WORK_URL"), sealKey: key}.handle
	config.Log = log
	c, err := consumer.New(js, config)
	if err != nil {
		return err
	}
	return c.Run(ctx)
}

// declared takes the schedule from the durable, so that it is written in one place: forebay.yaml. The actions are
// written in both.
func declared(ctx context.Context, js jetstream.JetStream, stream, name string) (consumer.Config, error) {
	durable, err := js.Consumer(ctx, stream, name)
	if err != nil {
		return consumer.Config{}, fmt.Errorf("bind to durable %s: %w", name, err)
	}
	settings := durable.CachedInfo().Config
	return consumer.Config{
		Name: name, Stream: consumer.Stream{Name: stream, Prefix: "identity"}, Actions: []string{"otp.*", "user.*"},
		Retry: settings.BackOff, MaxAttempts: settings.MaxDeliver,
	}, nil
}

// A worker does the work: it calls a service of ours.
type worker struct {
	url     string
	sealKey []byte
}

// handle does the work for one event. What it returns decides what becomes of the event.
func (w worker) handle(ctx context.Context, m *consumer.Message) error {
	e := m.Event
	switch {
	case e.Action == "otp.requested" && e.OTP != nil:
		// Not Config.MaxAge: that would have old users end as dead letters too.
		if time.Since(e.Received) > maxAge {
			return consumer.Permanent(errors.New("expired"))
		}
		return w.post(ctx, "/codes", e, map[string]any{"to": e.OTP.To, "channel": e.OTP.Channel, "user": userID(e)})
	case e.Action == "user.created" && e.User != nil:
		password, err := w.open(e.User.Password)
		if err != nil {
			return consumer.Permanent(err)
		}
		return w.post(ctx, "/users", e, map[string]any{"id": e.User.ID, "email": e.User.Email, "password": password})
	case e.Action == "otp.requested", e.Action == "user.created":
		return consumer.Permanent(errors.New("the event says nothing of whom it is about"))
	}
	return nil // of no interest to us
}

func userID(e schema.Event) string {
	if e.User == nil {
		return ""
	}
	return e.User.ID
}

// open gives the text of a sealed member. It is nil where there is none.
func (w worker) open(member json.RawMessage) (any, error) {
	compact, ok := schema.Sealed(member)
	if !ok {
		return member, nil // it was never sealed, or is not there
	}
	text, err := schema.OpenSealed(w.sealKey, compact)
	return string(text), err
}

// post calls the service. The key of the event goes with it: a second call for the same event changes nothing there.
func (w worker) post(ctx context.Context, path string, e schema.Event, body any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return consumer.Permanent(err)
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(text))
	if err != nil {
		return consumer.Permanent(err)
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
	err := fmt.Errorf("the service answers %d", status)
	switch {
	case status < 300:
		return nil
	case 400 <= status && status < 500 && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		return consumer.Permanent(err)
	}
	return err
}
