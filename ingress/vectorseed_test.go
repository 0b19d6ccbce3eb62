package ingress_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/scalekit"
)

// A seedVector is a case of the providers whose vectors have a clock, a query or a body that is no UTF-8.
type seedVector struct {
	Name, Secret, Method string
	Path                 string
	PathAndQuery         string `json:"path_and_query"`
	TargetURI            string `json:"target_uri"`
	Headers              map[string]string
	Body                 *string
	BodyBase64           string `json:"body_base64"`
	Now                  int64
	NowUnix              int64    `json:"now_unix"`
	Topics               []string `json:"allowed_topics"`
	Valid                bool
	Transcoded           bool `json:"valid_after_latin1_to_utf8"`
	Expect               *struct {
		ID, Type, Body string
		Status         int
	}
}

// target is the request target: what the case was sent to, from its path on.
func (v seedVector) target(t *testing.T) string {
	t.Helper()
	switch {
	case v.PathAndQuery != "":
		return v.PathAndQuery
	case v.TargetURI != "":
		u, err := url.Parse(v.TargetURI)
		if err != nil {
			t.Fatal(err)
		}
		return u.RequestURI()
	case v.Path != "":
		return v.Path
	}
	return "/in/asgardeo"
}

func (v seedVector) bytes(t *testing.T) string {
	t.Helper()
	if v.Body != nil {
		return *v.Body
	}
	body, err := base64.StdEncoding.DecodeString(v.BodyBase64)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func (v seedVector) clock() time.Time {
	if at := v.Now + v.NowUnix; at != 0 {
		return time.Unix(at, 0)
	}
	return time.Now()
}

// options sets fields of an options struct by their yaml keys, as the decoder of the configuration does.
func options(values map[string]any) func(any) error {
	return func(into any) error {
		target := reflect.ValueOf(into).Elem()
		for i := range target.NumField() {
			if value, ok := values[target.Type().Field(i).Tag.Get("yaml")]; ok {
				target.Field(i).Set(reflect.ValueOf(value))
			}
		}
		return nil
	}
}

// TestVectorsOverHTTP sends every case of Asgardeo, Entrust and Scalekit, byte for byte, through a real server. What a
// case says of its event is held by the providers' own tests; here it counts who gets in and what is answered.
func TestVectorsOverHTTP(t *testing.T) {
	for name, create := range map[string]func(provider.Config) (provider.Provider, error){
		"asgardeo": asgardeo.New, "entrust": entrust.New, "scalekit": scalekit.New,
	} {
		text, err := os.ReadFile(fmt.Sprintf("../provider/%s/testdata/%s.json", name, name))
		if err != nil {
			t.Fatal(err)
		}
		var file struct{ Vectors []seedVector }
		if err := json.Unmarshal(text, &file); err != nil {
			t.Fatal(err)
		}
		passed := 0
		for _, v := range file.Vectors {
			if t.Run(name+"/"+v.Name, func(t *testing.T) { v.run(t, create) }) {
				passed++
			}
		}
		t.Logf("%s: %d of %d vectors decided as the file says", name, passed, len(file.Vectors))
	}
}

func (v seedVector) run(t *testing.T, create func(provider.Config) (provider.Provider, error)) {
	target := v.target(t)
	path, _, _ := strings.Cut(target, "?")
	if v.Method == "GET" {
		v.Secret = "not asked for"
	}
	p, err := create(provider.Config{
		Source: "test", Secrets: []string{v.Secret}, Path: path, Now: v.clock,
		PublicURL: &url.URL{Scheme: "https", Host: "ingress.example.com"},
		Options:   options(map[string]any{"topics": v.Topics, "sha1": v.Name == "hub-sha1"}),
	})
	if err != nil {
		if v.Valid {
			t.Errorf("refused at start: %v", err)
		}
		return // no source, no way in
	}
	b := newBench(t, p, func(b *bench) {
		b.config.Sources = []ingress.Source{{Name: "test", ProviderName: "test", Path: path, Provider: p}}
	})
	status, stored := 401, 0
	switch {
	case v.Method == "GET":
		status = v.Expect.Status
	case v.Valid, v.Transcoded:
		status, stored = 200, 1 // an unreadable body is stored too: in quarantine
	}
	got := b.raw("%s", v.wire(t, target))
	if got.status != status || len(b.messages()) != stored {
		t.Errorf("answered %d and stored %d, want %d and %d", got.status, len(b.messages()), status, stored)
	}
	if v.Method == "GET" && status == 200 && got.body != v.Expect.Body {
		t.Errorf("answered %q, want %q", got.body, v.Expect.Body)
	}
}

func (v seedVector) wire(t *testing.T, target string) string {
	t.Helper()
	if v.Method == "GET" {
		return fmt.Sprintf("GET %s HTTP/1.1\r\nHost: ingress.example.com\r\n\r\n", target)
	}
	headers := map[string]string{}
	for name, value := range v.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	return strings.Replace(wire(vector{Headers: headers, Body: v.bytes(t)}, target), "Host: hooks.", "Host: ingress.", 1)
}
