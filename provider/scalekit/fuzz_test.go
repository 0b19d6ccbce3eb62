package scalekit_test

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/schema"
)

// FuzzVerify: another ID or body is never accepted under the signature of the first, and no signature can be guessed.
func FuzzVerify(f *testing.F) {
	f.Add("msg_1", []byte(`{"type":"user.login"}`), "msg_2", []byte(`{"type":"user.logout"}`), "v1,AAAA v1a,")
	f.Add("a.b", []byte("\n"), "a", []byte(nil), "t=1,v1=00")
	p := newProvider(f, testSecret)
	f.Fuzz(func(t *testing.T, id string, body []byte, otherID string, other []byte, list string) {
		r := provider.Request{
			Method: http.MethodPost, URL: &url.URL{Path: "/"}, Header: http.Header{"Webhook-Id": {id}}, Body: body,
		}
		if err := p.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(r); err != nil {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		id = r.Header.Get("Webhook-Id")
		r.Header.Set("Webhook-Id", otherID)
		r.Body = other
		same := id == otherID && bytes.Equal(body, other)
		if !same && p.Verify(r) == nil {
			t.Errorf("signed %q %q: %q %q is accepted", id, body, otherID, other)
		}
		r.Header.Set("Webhook-Signature", list)
		if p.Verify(r) == nil {
			t.Errorf("signatures %q of %q are accepted", list, other)
		}
	})
}

// FuzzDecode: whatever is signed, an event of it can go on the wire, and its secrets are sealed.
func FuzzDecode(f *testing.F) {
	p := newProvider(f, testSecret)
	for _, n := range p.(provider.Sampler).Natives() {
		r, err := p.(provider.Sampler).Sample(n.Name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(r.Body)
	}
	f.Add([]byte(`{"type":"\ud800","occurred_at":"0000-01-01T00:00:00+23:59","data":{"user":{"id":{},"user_profile":7}}}`))
	f.Add([]byte(`{"type":"organization.directory.user_created","data":{"custom_attributes":{"a":1e999,"\u0000":[]},"address":[]}}`))
	wire := schema.Wire{Prefix: "identity", Seal: providertest.Sealer(f)}
	f.Fuzz(func(t *testing.T, body []byte) {
		r := provider.Request{Header: http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {"1772366400"}}, Body: body}
		events, err := p.Decode(r)
		if err != nil {
			return
		}
		e := events[0]
		e.Source, e.Provider, e.Received = "b2b", "scalekit", time.Now()
		m, err := wire.Encode(e, "")
		if err != nil {
			t.Fatalf("Encode: %v", err)
		}
		read, err := schema.Parse(m.Subject, m.Header.Map(), m.Body)
		if err != nil {
			t.Fatalf("Parse: %v", err)
		}
		payload, err := provider.ParseObject(read.Payload)
		if err != nil {
			t.Fatal(err)
		}
		wantSealed(t, payload)
	})
}

// wantSealed looks for a text that is named txt_record_secret.
func wantSealed(t *testing.T, v provider.Value) {
	for c := range v.Children() {
		if string(c.Name()) == "txt_record_secret" && c.Text() != "" {
			t.Errorf("a secret is in clear: %q", v.Raw())
		}
		wantSealed(t, c)
	}
}
