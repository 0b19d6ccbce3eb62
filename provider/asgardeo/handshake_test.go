package asgardeo_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
)

const topic = "acme.5c2b1a60-0d3e-4f7a-9a55-6b7f1d2e3c40.schema.wso2.v1.event.login"

func TestHandshake(t *testing.T) {
	long := strings.Repeat("x", 512)
	tests := map[string]struct {
		query  string
		status int
		body   string
	}{
		"subscribe":              {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=c1&hub.lease_seconds=864000", 200, "c1"},
		"without a lease":        {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=c1", 200, "c1"},
		"any lease":              {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=c1&hub.lease_seconds=&hub.lease_seconds=x", 200, "c1"},
		"unsubscribe":            {"hub.mode=unsubscribe&hub.topic=" + topic + "&hub.challenge=c1", 200, "c1"},
		"own parameters":         {"key=a;b&hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=c1", 200, "c1"},
		"another order":          {"hub.challenge=c1&hub.topic=" + topic + "&hub.mode=subscribe", 200, "c1"},
		"escaped name":           {"hub%2Emode=subscribe&hub.topic=" + topic + "&hub.challenge=c1", 200, "c1"},
		"escaped challenge":      {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=a%2Fb%2Bc%3D%26d+e", 200, "a/b+c=&d e"},
		"equals in a challenge":  {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=a=b", 200, "a=b"},
		"longest challenge":      {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=" + long, 200, long},
		"longer challenge":       {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=" + long + "x", 400, ""},
		"newline in a challenge": {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=a%0Ab", 400, ""},
		"challenge not ASCII":    {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=%C3%A9", 400, ""},
		"challenge not escaped":  {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=%zz", 400, ""},
		"no challenge":           {"hub.mode=subscribe&hub.topic=" + topic, 400, ""},
		"empty challenge":        {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=", 400, ""},
		"two challenges":         {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=a&hub.challenge=a", 400, ""},
		"one challenge is bad":   {"hub.mode=subscribe&hub.topic=" + topic + "&hub.challenge=a&hub.challenge=%zz", 400, ""},
		"no mode":                {"hub.topic=" + topic + "&hub.challenge=a", 400, ""},
		"two modes":              {"hub.mode=subscribe&hub.mode=denied&hub.topic=" + topic + "&hub.challenge=a", 400, ""},
		"no topic":               {"hub.mode=subscribe&hub.challenge=a", 400, ""},
		"two topics":             {"hub.mode=subscribe&hub.topic=" + topic + "&hub.topic=" + topic + "&hub.challenge=a", 400, ""},
		"nothing":                {"", 400, ""},
		"other topic":            {"hub.mode=subscribe&hub.topic=evil." + topic + "&hub.challenge=a", 404, ""},
		"other mode":             {"hub.mode=publish&hub.topic=" + topic + "&hub.challenge=a", 404, ""},
		"empty mode":             {"hub.mode=&hub.topic=" + topic + "&hub.challenge=a", 404, ""},
		"mode not escaped":       {"hub.mode=%zz&hub.topic=" + topic + "&hub.challenge=a", 400, ""},
		"empty topic":            {"hub.mode=subscribe&hub.topic=&hub.challenge=a", 404, ""},
		"mode in capitals":       {"hub.mode=Subscribe&hub.topic=" + topic + "&hub.challenge=a", 404, ""},
		"denied":                 {"hub.mode=denied&hub.topic=" + topic + "&hub.reason=no+right", 200, ""},
		"denied, other topic":    {"hub.mode=denied&hub.topic=evil", 200, ""},
		"denied, no topic":       {"hub.mode=denied&hub.reason=no", 400, ""},
		"hub-error":              {"hub.mode=hub-error&hub.topic=" + topic + "&hub.reason=100%", 200, ""},
	}
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Hub, Unsubscribe: true, Topics: []string{"acme.*"}}, "test-secret")
	for name, want := range tests {
		t.Run(name, func(t *testing.T) {
			a, ok := p.Handshake(get(want.query))
			if !ok || a.Status != want.status || string(a.Body) != want.body {
				t.Errorf("got %t %d %q, want %d %q", ok, a.Status, a.Body, want.status, want.body)
			}
			if a.Header.Get("Content-Type") != contentType(want.body) {
				t.Errorf("got headers %v", a.Header)
			}
		})
	}
}

// contentType is that of an echo. What has no body has no type.
func contentType(body string) string {
	if body == "" {
		return ""
	}
	return "text/plain; charset=utf-8"
}

func get(query string) provider.Request {
	return provider.Request{Method: http.MethodGet, URL: &url.URL{Path: "/webhooks/asgardeo", RawQuery: query}}
}

func TestHandshakeEchoIsNotSniffed(t *testing.T) {
	p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto, Topics: []string{"*"}}, "test-secret")
	a, _ := p.Handshake(get("hub.mode=subscribe&hub.topic=t&hub.challenge=%3Cscript%3E"))
	if string(a.Body) != "<script>" || a.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("got %s %v", a.Body, a.Header)
	}
}

func TestHandshakeNotes(t *testing.T) {
	p, err := asgardeo.New(provider.Config{Secrets: []string{"s"}})
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"hub.mode=denied&hub.topic=t&hub.reason=no+right%0A":                             `denied of topic "t": "no right\n"`,
		"hub.mode=subscribe&hub.topic=" + strings.Repeat("t", 1000) + "&hub.challenge=c": `subscribe of topic "` + strings.Repeat("t", 100) + `": "not in asgardeo.topics"`,
	} {
		a, _ := p.(provider.Handshaker).Handshake(provider.Request{Method: http.MethodGet, URL: &url.URL{RawQuery: query}})
		if a.Note != want {
			t.Errorf("%.60s: got %s, want %s", query, a.Note, want)
		}
	}
}

func TestHandshakeSettings(t *testing.T) {
	const subscribe = "hub.mode=subscribe&hub.topic=t1&hub.challenge=c"
	const unsubscribe = "hub.mode=unsubscribe&hub.topic=t1&hub.challenge=c"
	topics := []string{"t1"}
	tests := map[string]struct {
		options asgardeo.Options
		query   string
		status  int // 0: not a handshake
	}{
		"no topics":      {asgardeo.Options{Mode: asgardeo.Auto}, subscribe, 404},
		"hub":            {asgardeo.Options{Mode: asgardeo.Hub, Topics: topics}, subscribe, 200},
		"auto":           {asgardeo.Options{Mode: asgardeo.Auto, Topics: topics}, subscribe, 200},
		"direct":         {asgardeo.Options{Mode: asgardeo.Direct, Topics: topics}, subscribe, 0},
		"no unsubscribe": {asgardeo.Options{Mode: asgardeo.Auto, Topics: topics}, unsubscribe, 404},
		"unsubscribe":    {asgardeo.Options{Mode: asgardeo.Auto, Topics: topics, Unsubscribe: true}, unsubscribe, 200},
	}
	for name, want := range tests {
		p := newProvider(t, want.options, "test-secret")
		a, ok := p.Handshake(get(want.query))
		if a.Status != want.status || ok != (want.status != 0) {
			t.Errorf("%s: got %t %d, want %d", name, ok, a.Status, want.status)
		}
		if accepts := slices.Contains(p.Accepts().Methods, http.MethodGet); accepts != ok {
			t.Errorf("%s: Accepts GET: %t", name, accepts)
		}
		r := get(want.query)
		r.Method = http.MethodPost
		if _, ok := p.Handshake(r); ok {
			t.Errorf("%s: a POST is a handshake", name)
		}
	}
}

func TestTopics(t *testing.T) {
	tests := []struct {
		glob, topic string
		want        bool
	}{
		{"t1", "t1", true}, {"t1", "t", false}, {"t1", "t11", false}, {"t1", "T1", false}, {"*", "anything.at all", true},
		{"acme.*", topic, true}, {"acme.*", "acme.", true}, {"acme.*", "acme", false}, {"acme.*", "x.acme.y", false},
		{"*.login", topic, true}, {"*.login", "login", false}, {"acme.*.schema.wso2.v1.event.*", topic, true},
		{"acme.*.schema.caep.v1.event.*", topic, false}, {"a*b*a", "aba", true}, {"a*b*a", "aa", false}, {"a*a", "a", false},
		{"a*bc*c", "abc", false}, {"a*bc*c", "abcc", true}, {"a**b", "ab", true}, {"a?", "ab", false}, {"[a]", "a", false},
		{"a*b", "axb.", false}, {"x*", "axb", false},
	}
	for _, want := range tests {
		p := newProvider(t, asgardeo.Options{Mode: asgardeo.Auto, Topics: []string{"other", want.glob}}, "test-secret")
		query := url.Values{"hub.mode": {"subscribe"}, "hub.topic": {want.topic}, "hub.challenge": {"c"}}.Encode()
		if a, _ := p.Handshake(get(query)); (a.Status == 200) != want.want {
			t.Errorf("%q, %q: got %d, want a match: %t", want.glob, want.topic, a.Status, want.want)
		}
	}
}
