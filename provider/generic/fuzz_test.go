package generic_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// FuzzVerify: what is signed is accepted; another body, or a header that a stranger makes up, never is.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"type":"a"}`), []byte(`{"type":"b"}`), "t=1772366400,v1=00")
	f.Add([]byte(nil), []byte("0"), "v1=,t=,t=1")
	f.Add([]byte("."), []byte("1772366400."), ",,=,v1")
	p := mustBuild(f, minimal(`hmac: {headers: [X-Mac], form: kv, time_unit: s, signed: "{t}.{body}"}`), "s", noon)
	f.Fuzz(func(t *testing.T, body, other []byte, value string) {
		r := provider.Request{Method: http.MethodPost, Header: http.Header{}, Body: body}
		if err := p.(provider.Signer).Sign(&r); err != nil {
			t.Fatal(err)
		}
		if err := p.Verify(r); err != nil {
			t.Fatalf("Verify what Sign signed: %v", err)
		}
		r.Body = other
		if !bytes.Equal(body, other) && p.Verify(r) == nil {
			t.Errorf("signed %q: %q is accepted", body, other)
		}
		signature := r.Header.Get("X-Mac")
		r.Header.Set("X-Mac", value)
		if !strings.Contains(strings.ToLower(value), signature[len("t=1772366400,v1="):]) && p.Verify(r) == nil {
			t.Errorf("%q of %q is accepted", value, other)
		}
	})
}

// FuzzToken: no token but the issuer's is accepted, and no text makes the reader fall over.
func FuzzToken(f *testing.F) {
	i := newIssuer(f)
	genuine := i.sign(f, `{"type":"x"}`)
	f.Add(genuine)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("a.b.c.d.e")
	p := mustBuild(f, i.source(f, ", in: body"), "", noon)
	f.Fuzz(func(t *testing.T, token string) {
		r := provider.Request{Body: []byte(token)}
		if p.Verify(r) == nil && strings.Trim(token, " \t\r\n") != genuine {
			t.Errorf("accepted: %q", token)
		}
		if events, err := p.Decode(r); err == nil && (len(events) != 1 || events[0].Native == "") {
			t.Errorf("decoded %q as %+v", token, events)
		}
	})
}

// FuzzDecode: whatever is signed, each event of it can go on the wire, unless its ID is too long to be one.
func FuzzDecode(f *testing.F) {
	for _, v := range []string{
		oktaBody, `{"data":{"events":[{"eventType":"\ud800","uuid":"\u0000","published":"0000-01-01T00:00:00+23:59"}]}}`,
		`{"data":{"events":[{"eventType":1e999,"target":[{"type":"User","id":{}}],"actor":{"type":"User","id":[]}}]}}`,
	} {
		f.Add([]byte(v))
	}
	p := mustBuild(f, readFile(f, "testdata/okta.yaml"), "s", noon)
	f.Fuzz(func(t *testing.T, body []byte) {
		events, err := p.Decode(provider.Request{Body: body})
		if err != nil {
			return
		}
		for _, e := range events {
			if len(e.ID) <= 512 && len(body) < 1024 {
				encode(t, e)
			}
		}
	})
}
