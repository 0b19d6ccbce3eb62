package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A ward is a broker with deliveries in quarantine, and a configuration that finds it.
type ward struct {
	*testing.T
	*daemon // serves, once it is run

	key  string // of the private key; empty: sealing is off
	wire schema.Wire
	js   jetstream.JetStream
}

// longAgo is when the deliveries came: their signatures are stale, and lifetimes are over.
var longAgo = time.Date(2026, 3, 1, 12, 0, 0, 31e6, time.UTC)

func newWard(t *testing.T, sealed bool, ack ...string) *ward {
	t.Helper()
	s := brokertest.Start(t)
	w := &ward{T: t, js: s.JetStream(t), wire: schema.Wire{Prefix: "identity"}}
	seal := "off"
	if sealed {
		seal = w.sealKeys()
	}
	w.daemon = newDaemon(t, fmt.Sprintf(`
listen: 127.0.0.1:${HTTP}
admin: 127.0.0.1:${ADMIN}
data: ./data
ack: %s
nats: {url: %q}
seal: %s
sources:
  rewards: {provider: mgpass, secrets: [invented-secret], mgpass: {max_age: 1m}}
  staff: {provider: mgpass, secrets: [another-secret]}
`, append(ack, "journal")[0], s.URL, seal))
	_, err := broker.Ensure(t.Context(), w.js, streams(w.loaded()))
	check(t, err)
	return w
}

func (w *ward) sealKeys() (yaml string) {
	private, public, err := schema.GenerateKey()
	check(w.T, err)
	w.wire.Seal, err = schema.NewSealer(public)
	check(w.T, err)
	folder := w.TempDir()
	w.key = filepath.Join(folder, "private.jwk")
	recipient := filepath.Join(folder, "public.jwk")
	check(w.T, os.WriteFile(w.key, private, 0o600), os.WriteFile(recipient, public, 0o600))
	return fmt.Sprintf("{recipient: %q}", recipient)
}

// loaded is the configuration.
func (w *ward) loaded() *config.Config {
	c, err := w.load()
	check(w.T, err)
	return c
}

// keep puts a request into quarantine, as a forebay did that could not read it.
func (w *ward) keep(source, body string, headers ...string) (id string) {
	w.Helper()
	text := fmt.Sprintf("POST /webhooks/%s?a=b HTTP/1.1\r\nHost: hooks.example.com\r\n%sContent-Length: %d\r\n\r\n%s",
		source, strings.Join(append(headers, ""), "\r\n"), len(body), body)
	m, err := w.wire.Quarantine(schema.Delivery{
		Source: source, Provider: "mgpass", Received: longAgo, Reason: "decode: of a version that did not know it",
		Request: []byte(text),
	})
	check(w.T, err)
	w.publish(m.Subject, m.Header.Map(), m.Body)
	_, id, _ = strings.Cut(m.ID, "/")
	return id
}

func (w *ward) publish(subject string, header nats.Header, body []byte) *jetstream.PubAck {
	w.Helper()
	ack, err := w.js.PublishMsg(w.Context(), &nats.Msg{Subject: subject, Header: header, Data: body})
	check(w.T, err)
	return ack
}

// event is the body of a delivery that today's mgPass provider reads.
func event(id string) string {
	return `{"id":"` + id + `","type":"token.issued","created_at":1772366400,"data":{"user_id":"usr_7k2m9"}}`
}

// serve runs forebay, which releases go through.
func (w *ward) serve() *ward {
	w.Helper()
	w.daemon.run(w.T)
	return w
}

// run calls "forebay quarantine" and wants an exit code.
func (w *ward) run(code int, args ...string) (stdout, stderr string) {
	w.Helper()
	args = append([]string{"--config", w.config(), "quarantine"}, args...)
	if w.key != "" && args[3] != "list" {
		args = append(args, "--key", w.key)
	}
	stdout, stderr, got := call(w.T, args...)
	if got != code {
		w.Errorf("%q: exit code %d, want %d: %s%s", args, got, code, stdout, stderr)
	}
	return stdout, stderr
}

// stored gives what a stream has.
func (w *ward) stored(name string) (all []*jetstream.RawStreamMsg) {
	w.Helper()
	stream, err := w.js.Stream(w.Context(), name)
	check(w.T, err)
	for seq := range stream.CachedInfo().State.LastSeq {
		m, err := stream.GetMsg(w.Context(), seq+1)
		if !errors.Is(err, jetstream.ErrMsgNotFound) {
			check(w.T, err)
			all = append(all, m)
		}
	}
	return all
}

// wantIDs waits until exactly these events are in the stream, in this order, each once.
func (w *ward) wantIDs(want ...string) {
	w.Helper()
	err := poll(func() error {
		var got []string
		for _, m := range w.stored("IDENTITY") {
			got = append(got, m.Header.Get(schema.HeaderMsgID))
		}
		if !slices.Equal(got, want) {
			return fmt.Errorf("events in the stream: got %q, want %q", got, want)
		}
		return nil
	})
	if err != nil {
		w.Error(err)
	}
}

// wantKept fails unless so many deliveries are in quarantine.
func (w *ward) wantKept(want int) {
	w.Helper()
	if got := len(w.stored("IDENTITY_QUARANTINE")); got != want {
		w.Errorf("%d deliveries in quarantine, want %d", got, want)
	}
}

// wantSays fails unless a text has every one of the parts.
func wantSays(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
}

// forget shortens the stream's duplicate window and waits until it knows nothing any more. It gives the IDs of the
// messages that it took to see that.
func (w *ward) forget() (probes []string) {
	w.Helper()
	stream, err := w.js.Stream(w.Context(), "IDENTITY")
	check(w.T, err)
	short := stream.CachedInfo().Config
	short.Duplicates = 100 * time.Millisecond
	probe := nats.Header{schema.HeaderMsgID: {"probe"}}
	w.publish("identity.rewards.a.probe", probe, nil)
	check(w.T, poll(func() error {
		// Again and again: a session of the publisher that begins meanwhile puts the stream's settings right. And each
		// time with another window: the server purges when that changes, but may still purge by the earlier one.
		short.Duplicates += time.Millisecond
		if _, err := w.js.UpdateStream(w.Context(), short); err != nil {
			return err
		}
		if w.publish("identity.rewards.a.probe", probe, nil).Duplicate {
			return errors.New("the duplicate window is not over")
		}
		return nil
	}))
	return []string{"probe", "probe"}
}

// deliver sends a signed delivery to the running forebay, as the provider repeats one, and wants a success.
func (w *ward) deliver(name, body string) {
	w.Helper()
	source, _ := w.loaded().Sources.Find(name)
	p, err := newProvider(source)
	check(w.T, err)
	r := provider.Request{Method: http.MethodPost, Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(body)}
	check(w.T, p.(provider.Signer).Sign(&r))
	status := w.post(w.loaded().Listen+source.Path, body, r.Header)
	if status != http.StatusOK {
		w.Errorf("the repetition is answered %d", status)
	}
}

// ask calls for a release, with headers "Name: value".
func (w *ward) ask(body string, headers []string) (status int) {
	w.Helper()
	h := http.Header{}
	for _, line := range headers {
		name, value, _ := strings.Cut(line, ": ")
		h.Set(name, value)
	}
	return w.post(w.admin+releasePath, body, h)
}

func (w *ward) post(address, body string, h http.Header) (status int) {
	w.Helper()
	r, err := http.NewRequestWithContext(w.Context(), http.MethodPost, "http://"+address, strings.NewReader(body))
	check(w.T, err)
	r.Header = h
	answer, err := http.DefaultClient.Do(r)
	check(w.T, err)
	check(w.T, answer.Body.Close())
	return answer.StatusCode
}
