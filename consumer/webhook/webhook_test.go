package webhook

import (
	"bytes"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/provider"
)

func TestRequest(t *testing.T) {
	r := receive(t, status(http.StatusNoContent))
	j := newJob(t, Options{URL: r.URL + "/events?team=a%20b", Headers: map[string]string{"authorization": "Bearer x"}})
	m := message(t)
	m.ReplayOf = 3
	if err := j.Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	got := r.all()[0]
	if got.target != "POST /events?team=a%20b" {
		t.Errorf("got %s", got.target)
	}
	if !bytes.Equal(got.body, m.Body) {
		t.Errorf("body %s, want %s", got.body, m.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json", "Authorization": "Bearer x", "User-Agent": "Forebay",
		"Ce-Specversion": "1.0", "Ce-Id": "a.b%201%25", "Ce-Type": "user.created", "Ce-Source": "urn:forebay:ssofy",
		"Ce-Subject": "Zo%C3%AB%20%2242%22%0D%0AX:%20y", "Ce-Time": "2026-03-01T12:00:00Z",
		"Ce-Dataschema": "urn:forebay:schema:event:1", "Ce-Provider": "ssofy", "Ce-Nativeaction": "user_created",
		"Ce-Outcome": "success", "Ce-Receivedtime": "2026-03-01T12:00:00Z", "Traceparent": consumertest.Trace,
		"Forebay-Consumer": "crm", "Forebay-Seq": "7", "Forebay-Attempt": "2", "Forebay-Replay-Of": "3",
	} {
		if values := got.header[name]; !slices.Equal(values, []string{want}) {
			t.Errorf("%s is %q, want %q", name, values, want)
		}
	}
	for _, name := range []string{"Ce-Datacontenttype", "Nats-Msg-Id", "X", "Idempotency-Key"} {
		if values, ok := got.header[name]; ok {
			t.Errorf("%s is %q, want none", name, values)
		}
	}
}

// A header that a stranger put into the stream cannot keep the event from being sent, nor smuggle one of ours.
func TestStrangeHeaders(t *testing.T) {
	r := receive(t, status(http.StatusOK))
	m := message(t)
	m.Header["ce-raw"] = []string{"a b\r\nX: y\x00%zz"}
	m.Header["ce-two"] = []string{"a", "b"}
	m.Header["ce-bad name"] = []string{"a"}
	m.Header["webhook-id"] = []string{"msg_forged"}
	m.Traceparent = "not a\ntrace"
	if err := newJob(t, Options{URL: r.URL}).Handle(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	h := r.all()[0].header
	if got, want := h.Get("ce-raw"), "a%20b%0D%0AX:%20y%00%25zz"; got != want {
		t.Errorf("ce-raw is %q, want %q", got, want)
	}
	if got, want := h.Get("traceparent"), "not%20a%0Atrace"; got != want {
		t.Errorf("traceparent is %q, want %q", got, want)
	}
	if h["Ce-Two"] != nil || h["X"] != nil || h.Get("webhook-id") == "msg_forged" {
		t.Errorf("got %v", h)
	}
}

// Whoever verifies by the standard finds any of the secrets, and sees tampering.
func TestSignature(t *testing.T) {
	r := receive(t, status(http.StatusOK))
	j := newJob(t, Options{URL: r.URL, Secret: secret, Secrets: []string{oldSecret}})
	if err := j.Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	got := r.all()[0]
	for _, known := range []string{secret, oldSecret} {
		if err := verify(t, known, got); err != nil {
			t.Errorf("with %s: %v", known, err)
		}
	}
	if verify(t, "whsec_c29tZWJvZHktZWxzZS1zLXNlY3JldC1vZi0yNA==", got) == nil {
		t.Error("another secret fits")
	}
	got.body = append(got.body, ' ')
	if verify(t, secret, got) == nil {
		t.Error("another body fits")
	}
}

func verify(t *testing.T, known string, p post) error {
	t.Helper()
	w, err := provider.NewStandardWebhooks(provider.StandardWebhooksConfig{
		Secrets: []string{known}, Now: func() time.Time { return noon },
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.Verify(provider.Request{Method: http.MethodPost, URL: &url.URL{}, Header: p.header, Body: p.body})
}

// The example of the standard's own libraries.
func TestSignatureOfTheStandard(t *testing.T) {
	s, err := newSigner([]string{"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})
	if err != nil {
		t.Fatal(err)
	}
	got := s.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnsigned(t *testing.T) {
	r := receive(t, status(http.StatusOK))
	if err := newJob(t, Options{URL: r.URL, Unsigned: true}).Handle(t.Context(), message(t)); err != nil {
		t.Fatal(err)
	}
	h := r.all()[0].header
	if h["Webhook-Signature"] != nil || h.Get("webhook-id") == "" {
		t.Errorf("got %v", h)
	}
}

// One ID in all attempts and copies of an event, another for another event, source or consumer. It has no full stop.
func TestWebhookID(t *testing.T) {
	first := message(t)
	again := message(t)
	again.Attempt, again.Seq, again.ReplayOf, again.Subject = 3, 99, 7, "identity-redrive.crm.ssofy.user.created"
	again.Header["Nats-Msg-Id"] = []string{"crm/redrive/7"}
	if webhookID("crm", first) != webhookID("crm", again) {
		t.Error("a copy has another ID")
	}
	another, source := message(t), message(t)
	another.Event.ID = "a.b"
	source.Event.Source = "acme"
	ids := map[string]bool{}
	for _, id := range []string{webhookID("crm", first), webhookID("erp", first), webhookID("crm", another), webhookID("crm", source)} {
		if len(id) != 36 || strings.Contains(id, ".") {
			t.Errorf("got %q", id)
		}
		ids[id] = true
	}
	if len(ids) != 4 {
		t.Errorf("got %v, want four", ids)
	}
}

var _ consumer.Job = (*job)(nil)
