package asgardeo_test

import (
	"bytes"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/schema"
)

// FuzzVerify: another body or another signature is never accepted, in no mode, except that a direct publisher's text may
// come as ISO-8859-1.
func FuzzVerify(f *testing.F) {
	f.Add([]byte(`{"events":{"a":{}}}`), []byte(`{}`), "sha256=00", true)
	f.Add([]byte(`{"name":"Zoë"}`), []byte("{\"name\":\"Zo\xeb\"}"), "sha1=", true)
	f.Add([]byte("\xeb"), []byte("ë"), "=", false)
	f.Fuzz(func(t *testing.T, body, tampered []byte, signature string, direct bool) {
		o, header := asgardeo.Options{Mode: asgardeo.Hub, SHA1: true}, "X-Hub-Signature"
		if direct {
			o.Mode, header = asgardeo.Direct, "X-Wso2-Event-Signature"
		}
		p := newProvider(t, o, "test secret")
		r := delivery(t, p, body)
		if err := p.Verify(r); err != nil {
			t.Fatalf("signed %q: %v", body, err)
		}
		o.Mode = asgardeo.Auto
		auto := newProvider(t, o, "test secret")
		r.Body = tampered
		accepted := p.Verify(r) == nil
		if want := bytes.Equal(body, tampered) || direct && isLatin1(tampered, body); accepted != want {
			t.Errorf("signed %q: %q is accepted: %t", body, tampered, accepted)
		}
		if (auto.Verify(r) == nil) != accepted {
			t.Errorf("mode auto differs for %q", tampered)
		}
		if signed := r.Header.Get(header); signature != signed && !strings.EqualFold(signature, signed) {
			r.Header.Set(header, signature)
			if p.Verify(r) == nil {
				t.Errorf("signature %q of %q is accepted", signature, tampered)
			}
		}
	})
}

// isLatin1 reports whether raw, which is not UTF-8, says in ISO-8859-1 what text says in UTF-8.
func isLatin1(raw, text []byte) bool {
	var runes []rune
	for _, b := range raw {
		runes = append(runes, rune(b))
	}
	return !utf8.Valid(raw) && string(runes) == string(text)
}

// FuzzDecode: what can be decoded is an event that goes on the wire, with all that a provider owes, or is refused by a
// bound of the wire.
func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"jti":"1","iat":1760000001007,"events":{"https://schemas.identity.wso2.org/events/user/event-type/userProfileUpdated":{"user":{"id":"1","claims":[{"uri":"http://wso2.org/claims/identity/secretkey","value":["x"]}],"removedClaims":[{}]}}}}`), false)
	f.Add([]byte(`{"iat":1e99,"events":{"/events/x/event-type/roleUsersUpdated":{"role":{"addedUsers":[{},null,{"id":"\ud800"}]}}}}`), false)
	f.Add([]byte(`{"sub_id":[],"events":{"https://schemas.openid.net/secevent/caep/event-type/credential-change":{"user":[]}}}`), true)
	f.Add([]byte("{\"events\":{\"Zo\xeb\":{\"sessions\":[{\"id\":1}]}}}"), true)
	f.Fuzz(func(t *testing.T, body []byte, direct bool) {
		o := asgardeo.Options{Mode: asgardeo.Hub}
		if direct {
			o.Mode = asgardeo.Direct
		}
		p := newProvider(t, o, "test secret")
		events, err := p.Decode(provider.Request{Method: http.MethodPost, URL: &url.URL{Path: "/"}, Body: body})
		if err != nil {
			return
		}
		e := events[0]
		if len(events) != 1 || e.ID == "" || e.Native == "" || !e.Action.Valid() || !utf8.Valid(e.Payload) {
			t.Fatalf("got id %q, native %q, action %q", e.ID, e.Native, e.Action)
		}
		e.Source, e.Provider, e.Received = "acme", "asgardeo", time.Unix(1760000001, 0)
		if len(body) > 1000 { // long IDs and deep nesting are for the wire to refuse
			return
		}
		if err := e.Validate(); err != nil && len(e.ID) <= 512 && !deep(body) {
			t.Errorf("not valid: %v", err)
		}
		if _, err := (schema.Wire{Prefix: "identity"}).Encode(e, ""); err != nil && e.Validate() == nil {
			t.Errorf("not on the wire: %v", err)
		}
	})
}

func deep(body []byte) bool {
	return bytes.Count(body, []byte("["))+bytes.Count(body, []byte("{")) > 100
}

// FuzzHandshake: a challenge is echoed only for a topic that is wanted, and then byte for byte.
func FuzzHandshake(f *testing.F) {
	f.Add("hub.mode=subscribe&hub.topic=acme.login&hub.challenge=c1")
	f.Add("x=1;2&hub.mode=unsubscribe&hub.topic=acme.%zz&hub.challenge=a%0d%0ab")
	f.Add("hub.mode=denied&hub.topic=acme.login&hub.reason=100%")
	f.Fuzz(func(t *testing.T, query string) {
		p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto, Unsubscribe: true, Topics: []string{"acme.*"}}, "test secret")
		a, ok := p.Handshake(get(query))
		if !ok {
			t.Fatal("not a handshake")
		}
		if len(a.Body) == 0 {
			return
		}
		values, _ := url.ParseQuery(strings.ReplaceAll(query, ";", "%3B"))
		challenges := values["hub.challenge"]
		if a.Status != http.StatusOK || len(challenges) != 1 || challenges[0] != string(a.Body) {
			t.Errorf("%d %q is echoed for %q", a.Status, a.Body, challenges)
		}
		if topics := values["hub.topic"]; len(topics) != 1 || !strings.HasPrefix(topics[0], "acme.") {
			t.Errorf("echoed for the topics %q", topics)
		}
		if strings.ContainsFunc(string(a.Body), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("%q is echoed", a.Body)
		}
	})
}
