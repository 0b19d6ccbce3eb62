package ssofy

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
)

// A vector is a case of testdata/ssofy.json: what SSOfy's own libraries sign and accept.
type vector struct {
	Name, Kind, Secret, URL, Path, Method, Body string

	Headers     map[string]string
	Salt        string
	Valid       bool
	Expected    *signed
	ExpectedPHP *signed `json:"expected_php"`
}

type signed struct {
	Message string `json:"signed_string"`
	Hash    string
	Header  string `json:"Signature"`
}

// ours are the cases that we decide otherwise than Node's library.
var ours = map[string]string{
	"diverge-header-numeric-salt": "a salt is a text",
	"lone-surrogate":              "not well-formed text",
}

func (v vector) provider(t testing.TB) *Provider {
	t.Helper()
	return newProvider(t, v.Secret)
}

func newProvider(t testing.TB, secrets ...string) *Provider {
	t.Helper()
	p, err := New(provider.Config{Secrets: secrets, Path: "/webhooks/ssofy"})
	if err != nil {
		t.Fatal(err)
	}
	return p.(*Provider)
}

// request is the delivery with the path as it stands in the request line, and the query of the URL.
func (v vector) request(t testing.TB) provider.Request {
	t.Helper()
	_, query, _ := strings.Cut(v.URL, "?")
	u, err := url.ParseRequestURI(v.Path + "?" + query)
	if err != nil {
		t.Fatal(err)
	}
	return provider.Request{Method: v.Method, URL: u, Header: providertest.Header(v.Headers), Body: []byte(v.Body)}
}

func TestVectors(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "ssofy.json") {
		t.Run(v.Name, func(t *testing.T) {
			if v.Kind == "response" {
				testResponse(t, v)
				return
			}
			testRequest(t, v)
		})
	}
}

func testRequest(t *testing.T, v vector) {
	p, r := v.provider(t), v.request(t)
	want := v.Valid && ours[v.Name] == ""
	if err := p.Verify(r); (err == nil) != want {
		t.Fatalf("Verify: %v, want valid %t", err, want)
	}
	if v.Expected != nil && want {
		testMessage(t, p, v, appendNodeNumber, *v.Expected)
	}
	if v.ExpectedPHP == nil || v.ExpectedPHP.Header == "" {
		return
	}
	number := strings.HasPrefix(v.Name, "number-")
	if number {
		testMessage(t, p, v, appendPHPNumber, *v.ExpectedPHP)
	}
	r.Header.Set(header, v.ExpectedPHP.Header)
	if err := p.Verify(r); (err == nil) != number {
		t.Errorf("Verify what PHP signed: %v, want valid %t", err, number)
	}
}

func testMessage(t *testing.T, p *Provider, v vector, form numberForm, want signed) {
	t.Helper()
	body, err := provider.ParseObject([]byte(v.Body))
	if err != nil {
		t.Fatal(err)
	}
	message, _ := appendValues([]byte(p.signedPath(v.request(t).URL)), signedValues(body), form)
	if got := string(message) + v.Salt; got != want.Message {
		t.Errorf("got message %q, want %q", got, want.Message)
	}
	s, err := parseSignature([]byte(`{"hash":"` + want.Hash + `"}`))
	if err != nil {
		t.Fatal(err)
	}
	if provider.FindKey(p.keys, []byte(want.Message), s.mac) == nil {
		t.Errorf("hash does not fit %q", want.Message)
	}
}

// testResponse holds the signature of answers to a case of the reference servers.
func testResponse(t *testing.T, v vector) {
	p := v.provider(t)
	if got := sign(p.keys[0], v.Path+"1", v.Salt); got != v.Headers["Signature"] {
		t.Errorf("got %s, want %s", got, v.Headers["Signature"])
	}
	a := p.Answer(v.request(t), provider.Outcome{Step: provider.Accepted})
	if a.Status != http.StatusOK || string(a.Body) != v.Body || a.Header.Get("Content-Type") != "application/json" {
		t.Errorf("got %d %s %v", a.Status, a.Body, a.Header)
	}
	checkAnswer(t, a, v.provider(t), v.request(t))
}

// checkAnswer verifies an answer as SSOfy would: as if it were a delivery to the path that was called.
func checkAnswer(t *testing.T, a provider.Answer, p *Provider, r provider.Request) string {
	t.Helper()
	r.Header, r.Body = a.Header, a.Body
	if err := p.Verify(r); err != nil {
		t.Errorf("the signature of the answer: %v", err)
	}
	s, err := readSignature(a.Header)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.salt) < 16 || len(s.salt) > 32 || strings.Trim(s.salt, "0123456789abcdef") != "" {
		t.Errorf("salt %q: not 16 to 32 characters [0-9a-f]", s.salt)
	}
	return s.salt
}

func TestAnswerIsSignedByTheSecretThatVerified(t *testing.T) {
	for _, used := range []string{"new", "old"} {
		both, one := newProvider(t, "new", "old"), newProvider(t, used)
		r := providertest.Signed(t, one, "safety_reset")
		first := checkAnswer(t, both.Answer(r, provider.Outcome{}), one, r)
		second := checkAnswer(t, both.Answer(r, provider.Outcome{}), one, r)
		if first == second {
			t.Errorf("two answers with the salt %s", first)
		}
	}
}

func TestMalleableVectorsAreOneEvent(t *testing.T) {
	want := map[string]string{ // the action, or empty: unreadable
		"malleable-salt-absorbs-value": "token.revoked",
		"malleable-key-rename":         "",
		"malleable-flattened":          "other.token_deleted9f8e7d6c5b4a39281706f5e4d3c2b1a0",
		"malleable-path-absorbs-value": "other.x_deleted",
	}
	const honest = "162524770f0fb209c8e7a851e0d057cd14d85bd29f1279476ad71fefbd5baa8f"
	for _, v := range providertest.Vectors[vector](t, "ssofy.json") {
		action, malleable := want[v.Name]
		if !malleable {
			continue
		}
		delete(want, v.Name)
		events, err := v.provider(t).Decode(v.request(t))
		switch {
		case action == "":
			if err == nil {
				t.Errorf("%s: decoded", v.Name)
			}
		case err != nil:
			t.Errorf("%s: %v", v.Name, err)
		case string(events[0].Action) != action || events[0].ID != honest:
			t.Errorf("%s: got %s %s, want %s %s", v.Name, events[0].Action, events[0].ID, action, honest)
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the file: %v", want)
	}
}

func TestStrictSaltRefusesVectorsWithoutSalt(t *testing.T) {
	for _, v := range providertest.Vectors[vector](t, "ssofy.json") {
		p := v.provider(t)
		p.strictSalt = true
		s, err := readSignature(v.request(t).Header)
		if err == nil && s.salt == "" && p.Verify(v.request(t)) == nil {
			t.Errorf("%s: accepted", v.Name)
		}
	}
}
