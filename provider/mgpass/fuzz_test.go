package mgpass_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/mgpass"
)

// FuzzTampering: another body is never accepted, and nothing panics.
func FuzzTampering(f *testing.F) {
	f.Add([]byte(`{"id":"evt_1","type":"user.deleted","created_at":1760000001}`), []byte(`{}`), "sha256=00")
	f.Add([]byte(`{"event_type":"rewards.redeemed","timestamp":"2025-10-09T08:53:20.000Z","data":[]}`), []byte(nil), "")
	f.Add([]byte(`{"type":"\ud800","created_at":-1e400,"data":{"user_id":{}}}`), []byte("\xff"), "00")
	p, err := mgpass.New(provider.Config{
		Secrets: []string{"test-secret"}, Now: time.Now,
		Options: func(into any) error { into.(*mgpass.Options).MaxAge = time.Hour; return nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, tampered []byte, signature string) {
		r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: body}
		if err := p.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		_ = p.Verify(r) // stale, perhaps
		if events, err := p.Decode(r); err == nil && (events[0].ID == "" || !events[0].Action.Valid()) {
			t.Errorf("got id %q, action %q", events[0].ID, events[0].Action)
		}
		r.Body = tampered
		if !bytes.Equal(body, tampered) && p.Verify(r) == nil {
			t.Errorf("signed %q: %q is accepted", body, tampered)
		}
		r.Header.Set("X-Webhook-Signature", signature)
		if p.Verify(r) == nil {
			t.Errorf("signature %q of %q is accepted", signature, tampered)
		}
	})
}
