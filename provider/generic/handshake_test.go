package generic_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// The vectors of handshakes: Okta's with the example, WebSub's with a source of its own.
func TestHandshakeVectors(t *testing.T) {
	var f struct {
		Vectors []struct {
			Name    string
			Request struct {
				Method, Path string
				Headers      map[string]string
			}
			Response struct {
				Status  int
				Headers map[string]string
				Body    *string
			}
		}
	}
	unmarshal(t, readFile(t, "testdata/handshakes.json"), &f)
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			text := readFile(t, "testdata/okta.yaml")
			if strings.HasPrefix(v.Name, "websub") {
				text = minimal("hmac: {headers: [X-Hub-Signature], form: prefixed}") + "      handshake: {websub: {topics: [t*]}}\n"
			}
			p := mustBuild(t, text, "my-shared-secret", noon)
			path := v.Request.Path
			if path == "" {
				path = "/webhooks/okta"
			}
			a, ok := p.(provider.Handshaker).Handshake(request(v.Request.Method, path, v.Request.Headers, ""))
			if !ok || a.Status != v.Response.Status {
				t.Fatalf("got %t, status %d, want %d", ok, a.Status, v.Response.Status)
			}
			if v.Response.Body != nil && string(a.Body) != *v.Response.Body {
				t.Errorf("got %s, want %s", a.Body, *v.Response.Body)
			}
			for name, value := range v.Response.Headers {
				if a.Header.Get(name) != value {
					t.Errorf("got %s %q, want %q", name, a.Header.Get(name), value)
				}
			}
		})
	}
}

func TestHandshakes(t *testing.T) {
	all := minimal("credential: {in: bearer, unsigned: true}") + "      handshake:\n" +
		"        okta: {header: X-Check, member: reply}\n        graph: {}\n" +
		"        websub: {topics: [\"acme.*\"], unsubscribe: true}\n        cloudevents: {origins: [grid.example.com]}\n"
	bearer := map[string]string{"Authorization": "Bearer s", "X-Check": "a\"<b>"}
	for _, c := range []struct {
		name, method, target string
		headers              map[string]string
		status               int // 0: no handshake
		body                 string
	}{
		{"challenge", "GET", "/", bearer, 200, `a"<b>`},
		{"challenge, wrong credential", "GET", "/", map[string]string{"Authorization": "Bearer t", "X-Check": "a"}, 401, ""},
		{"challenge of another method", "POST", "/", bearer, 0, ""},
		{"challenge, not printable", "GET", "/", map[string]string{"Authorization": "Bearer s", "X-Check": "é"}, 400, ""},
		{"graph", "POST", "/?validationToken=Validation%3A+Testing+x", nil, 200, "Validation: Testing x"},
		{"graph, empty", "POST", "/?validationToken=", nil, 400, ""},
		{"graph, twice", "POST", "/?validationToken=a&validationToken=b", nil, 400, ""},
		{"graph, too long", "POST", "/?validationToken=" + strings.Repeat("a", 513), nil, 400, ""},
		{"graph, control characters", "POST", "/?validationToken=a%0Ab", nil, 400, ""},
		{"a delivery", "POST", "/?x=1", nil, 0, ""},
		{"websub", "GET", "/?hub.mode=subscribe&hub.topic=acme.login&hub.challenge=c%2B1", nil, 200, "c+1"},
		{"websub, unwanted topic", "GET", "/?hub.mode=subscribe&hub.topic=other&hub.challenge=c", nil, 404, ""},
		{"websub, unsubscribe", "GET", "/?hub.mode=unsubscribe&hub.topic=acme.login&hub.challenge=c", nil, 200, "c"},
		{"websub, denied", "GET", "/?hub.mode=denied&hub.topic=acme.login", nil, 200, ""},
		{"websub, unknown mode", "GET", "/?hub.mode=x&hub.topic=acme.login&hub.challenge=c", nil, 404, ""},
		{"websub, no mode", "GET", "/?hub.topic=acme.login&hub.challenge=c", nil, 400, ""},
		{"websub, two modes", "GET", "/?hub.mode=subscribe&hub.mode=denied&hub.topic=acme.login&hub.challenge=c", nil, 400, ""},
		{"websub, hub-error", "GET", "/?hub.mode=hub-error&hub.topic=acme.login", nil, 200, ""},
		{"websub, bad challenge of an unwanted topic", "GET", "/?hub.mode=subscribe&hub.topic=other&hub.challenge=%0A", nil, 400, ""},
		{"websub, semicolons", "GET", "/?key=a;b&hub.mode=subscribe&hub.topic=acme.login&hub.challenge=c;d", nil, 200, "c;d"},
		{"websub, no challenge", "GET", "/?hub.mode=subscribe&hub.topic=acme.login", nil, 400, ""},
		{"cloudevents", "OPTIONS", "/", map[string]string{"WebHook-Request-Origin": "grid.example.com"}, 200, ""},
		{"cloudevents, foreign origin", "OPTIONS", "/", map[string]string{"WebHook-Request-Origin": "x.example.com"}, 403, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := mustBuild(t, all, "s", noon)
			a, ok := p.(provider.Handshaker).Handshake(request(c.method, c.target, c.headers, ""))
			if ok != (c.status != 0) || a.Status != c.status {
				t.Fatalf("got %t, status %d, want %d", ok, a.Status, c.status)
			}
			if body := replyOf(a.Body); body != c.body {
				t.Errorf("got %q, want %q", body, c.body)
			}
			if c.status == 200 && len(a.Body) > 0 && a.Header.Get("Content-Type") == "" {
				t.Error("an echo without a content type")
			}
		})
	}
}

// replyOf is the reply inside a JSON body, else the body.
func replyOf(body []byte) string {
	var v struct{ Reply string }
	if bytes.HasPrefix(body, []byte("{")) && json.Unmarshal(body, &v) == nil {
		return v.Reply
	}
	return string(body)
}

func TestOktaIsAnsweredWithAnEmptyBody(t *testing.T) {
	answerer := mustBuild(t, readFile(t, "testdata/okta.yaml"), "s", noon).(provider.Answerer)
	if a := answerer.Answer(provider.Request{}, provider.Outcome{Step: provider.Accepted}); a.Status != http.StatusNoContent || len(a.Body) > 0 {
		t.Errorf("got %+v", a)
	}
	if a := answerer.Answer(provider.Request{}, provider.Outcome{Step: provider.Unverified}); a.Status != 0 {
		t.Errorf("a refusal: got %+v, want the usual answer", a)
	}
}
