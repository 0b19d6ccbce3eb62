package ingress_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// exampleOf names the example of a generic source, in provider/generic/testdata, that reads the vectors of a file.
var exampleOf = map[string]string{
	"generic/testdata/zitadel.json":                  "zitadel",
	"generic/testdata/workos.json":                   "workos",
	"generic/testdata/logto.json":                    "logto",
	"generic/testdata/keycloak-phasetwo.json":        "keycloak",
	"generic/testdata/keycloak-phasetwo-bearer.json": "keycloak-bearer",
	"generic/testdata/fusionauth.json":               "fusionauth",
	"generic/testdata/kinde.json":                    "kinde",
	"testdata/svix.json":                             "svix",
	"testdata/clerk.json":                            "clerk",
}

func TestVectorsGeneric(t *testing.T) {
	for file, example := range exampleOf {
		f := loadVectors(t, file)
		text := readExample(t, example)
		if f.JWKS != nil {
			text = jwksURL.ReplaceAllString(text, "jwks_url: "+serveJWKS(t, f.JWKS))
		}
		tally(t, example, f.Vectors, func(t *testing.T, v vector) {
			wantEmptyAnswer(t, v, v.runGeneric(t, text))
		})
	}
}

// runGeneric configures what the case changes of the example.
func (v vector) runGeneric(t *testing.T, text string) reply {
	if v.Hash != "" {
		text = strings.Replace(text, "hmac: {", "hmac: {hash: "+v.Hash+", ", 1)
	}
	if v.Secret != "" && strings.Contains(text, "jwks_url") {
		text = sharedSecret.ReplaceAllString(text, "")
		text = strings.Replace(text, "algorithms: [RS256, ES256, EdDSA]", "algorithms: [HS256]", 1)
		text = strings.Replace(text, "provider: generic\n", "provider: generic\n    secrets: [\"${SECRET}\"]\n", 1)
	}
	_, got := v.run(t, text, "", v.common())
	return got
}

func wantEmptyAnswer(t *testing.T, v vector, got reply) {
	t.Helper()
	if v.Valid && got.body != "{}" {
		t.Errorf("answered %s, want {}", got.body)
	}
}

var (
	jwksURL      = regexp.MustCompile(`jwks_url: [^\s,}]+`)
	sharedSecret = regexp.MustCompile(`(?m)^.*jwks_url.*\n`)
)

func readExample(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "provider", "generic", "testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// serveJWKS gives the URL of a key set.
func serveJWKS(t *testing.T, keys []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(keys) }))
	t.Cleanup(server.Close)
	return server.URL
}

// Standard Webhooks by themselves, as somebody configures a sender that is not known here.
func TestVectorsStandardWebhooks(t *testing.T) {
	const options = ", generic: {verify: {standard-webhooks: {prefixes: [webhook, svix]}}, id: header:webhook-id, type: /type}"
	for _, name := range []string{"standardwebhooks", "standardwebhooks-asymmetric"} {
		tally(t, name, loadVectors(t, "testdata/"+name+".json").Vectors, func(t *testing.T, v vector) {
			_, got := v.run(t, aSource(t, "generic", path, options), "", v.common())
			wantEmptyAnswer(t, v, got)
		})
	}
}

func TestVectorsSharedCredential(t *testing.T) {
	file := loadVectors(t, "generic/testdata/shared-credential.json")
	tally(t, "shared-credential", file.Vectors, func(t *testing.T, v vector) {
		in, name, _ := strings.Cut(v.Kind, ":")
		options := fmt.Sprintf(", generic: {verify: {credential: {in: %s, name: %s, unsigned: true}}, type: text:ping}", in, quoted(t, name))
		_, got := v.run(t, aSource(t, "generic", path, options), "", v.common())
		wantEmptyAnswer(t, v, got)
	})
}

// An exchange is a handshake: what is asked, and every part of the answer that matters.
type exchange struct {
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

func TestVectorsHandshakes(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "provider", "generic", "testdata", "handshakes.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []exchange }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	passed := 0
	for _, x := range file.Vectors {
		if t.Run(x.Name, x.run) {
			passed++
		}
	}
	t.Logf("handshakes: %d of %d vectors decided as the file says", passed, len(file.Vectors))
}

func (x exchange) run(t *testing.T) {
	v := vector{Secret: "my-shared-secret", Method: x.Request.Method, Headers: x.Request.Headers}
	source, target := readExample(t, "okta"), x.Request.Path
	if at, _, ok := strings.Cut(target, "?"); ok {
		source = aSource(t, "asgardeo", at, ", asgardeo: {topics: [t1]}")
	}
	_, got := v.run(t, source, target, verdict{x.Response.Status, 0})
	if x.Response.Body != nil && got.body != *x.Response.Body {
		t.Errorf("answered %q, want %q", got.body, *x.Response.Body)
	}
	for name, want := range x.Response.Headers {
		if got.header.Get(name) != want {
			t.Errorf("header %s: got %q, want %q", name, got.header.Get(name), want)
		}
	}
}
