package entrust_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/entrust"
)

func newFuzzed(f *testing.F) provider.Provider {
	f.Helper()
	p, err := entrust.New(provider.Config{
		Secrets: []string{token}, PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
		Now: func() time.Time { return time.Unix(1760000000, 0) },
	})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// FuzzVerify: what Sign signed is accepted, another body or path never is, nor is any signature that a stranger makes up.
func FuzzVerify(f *testing.F) {
	p := newFuzzed(f)
	f.Add([]byte(`{"type":"user.created"}`), []byte(`{}`), "/in/b", `sig=("@method" "@target-uri" "content-digest");alg="hmac-sha256"`, "sig=:AAAA:")
	f.Add([]byte("\xff"), []byte(nil), "/%2f", `sig=("@method");created=1.5;x=@-1;y=%"a%c3";z=?1, sig=()`, `sig="00"`)
	f.Fuzz(func(t *testing.T, body, tampered []byte, path, input, signature string) {
		r := provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/in/a"}, Body: body}
		if err := p.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(r); err != nil {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		other := r
		other.Body = tampered
		if !bytes.Equal(body, tampered) && p.Verify(other) == nil {
			t.Errorf("signed %q: %q is accepted", body, tampered)
		}
		other = r
		if other.URL = (&url.URL{Path: path}); other.URL.EscapedPath() != r.URL.Path && p.Verify(other) == nil {
			t.Errorf("signed %q: %q is accepted", r.URL.Path, path)
		}
		r.Header.Set("Signature-Input", input)
		r.Header.Set("Signature", signature)
		if p.Verify(r) == nil {
			t.Errorf("made up and accepted: %q, %q", input, signature)
		}
	})
}

// FuzzDecode: whatever is signed is unreadable, or an event with an ID and an action.
func FuzzDecode(f *testing.F) {
	p := newFuzzed(f)
	f.Add([]byte(`{"id":"1","type":"user.created","accountId":"a","eventTime":"0000-01-01T00:00:00+23:59","data":[]}`))
	f.Add([]byte(`{"type":"magiclink.email.sent","data":{"subject":"s","entityAttributes":{"contactType":"Email"}}}`))
	f.Add([]byte(`{"type":"\ud800","id":5,"data":{"token":{},"entityAttributes":"x"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Decode(provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: body})
		if err != nil {
			return
		}
		e := events[0]
		if e.ID == "" || e.Native == "" || !e.Action.Valid() || e.Time.Year() < 0 || e.Time.Year() > 9999 {
			t.Errorf("got id %q, native %q, action %q, time %v", e.ID, e.Native, e.Action, e.Time)
		}
	})
}
