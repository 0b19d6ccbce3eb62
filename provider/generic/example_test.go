package generic_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/generic"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/schema"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// examples are the names of the ready-made configurations.
func examples(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 10 {
		t.Fatalf("examples: %q, %v", files, err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".yaml")
	}
	return files
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// source loads a configuration file with one source, whatever secret it asks the environment for being this one.
func source(t testing.TB, text, secret string, now time.Time) (provider.Config, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "forebay.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(file, config.Options{
		Getenv: func(string) string { return secret }, Providers: []string{"generic"},
	})
	if err != nil {
		return provider.Config{}, err
	}
	return c.Sources[0].Config(func() time.Time { return now }), nil
}

func build(t testing.TB, text, secret string, now time.Time) (provider.Provider, error) {
	t.Helper()
	c, err := source(t, text, secret, now)
	if err != nil {
		return nil, err
	}
	return generic.New(c)
}

func mustBuild(t testing.TB, text, secret string, now time.Time) provider.Provider {
	t.Helper()
	p, err := build(t, text, secret, now)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// serveKeys gives the configuration a key set that a server on this machine has.
func serveKeys(t testing.TB, text string, keys []byte) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(keys)
	}))
	t.Cleanup(server.Close)
	return regexp.MustCompile(`jwks_url: [^\s,}]+`).ReplaceAllString(text, "jwks_url: "+server.URL)
}

// secretOf is a secret that fits the verifier of an example.
func secretOf(name string) string {
	if name == "clerk" || name == "svix" {
		return "whsec_Zm9yZWJheS10ZXN0cy1zaWduLXdpdGgtdGhpcy1rZXk"
	}
	return "example-secret"
}

// Every example starts, and what it says of actions is so: each native action travels from a sample through the wire to
// the action that the map promises.
func TestExamplesTravel(t *testing.T) {
	for _, name := range examples(t) {
		t.Run(name, func(t *testing.T) {
			p := mustBuild(t, readFile(t, "testdata/"+name+".yaml"), secretOf(name), noon)
			natives := p.(provider.Sampler).Natives()
			if len(natives) < 3 {
				t.Fatalf("%d native actions", len(natives))
			}
			for _, n := range natives {
				travel(t, p, n)
			}
		})
	}
}

func travel(t *testing.T, p provider.Provider, n provider.Native) {
	t.Helper()
	r, err := p.(provider.Sampler).Sample(n.Name)
	if err != nil {
		t.Fatal(err)
	}
	if n.Action.Category() == schema.CategoryOther {
		t.Errorf("%s is %s", n.Name, n.Action)
	}
	switch err := p.(provider.Signer).Sign(&r); {
	case err != nil && strings.Contains(err.Error(), "only be signed by its issuer"):
		return
	case err != nil:
		t.Fatal(err)
	}
	if err := p.Verify(r); err != nil {
		t.Fatalf("%s: Verify: %v", n.Name, err)
	}
	e := providertest.Decode(t, p, r)
	if e.Action != n.Action || e.Native != n.Name || len(e.ID) < 8 || e.Time != noon && e.Time.Unix() != noon.Unix() {
		t.Errorf("got %s of %s, ID %q, time %s; want %s of %s", e.Action, e.Native, e.ID, e.Time, n.Action, n.Name)
	}
	encode(t, e)
}

func encode(t testing.TB, e schema.Event) schema.Message {
	t.Helper()
	e.Source, e.Provider, e.Received = "test", "generic", noon
	m, err := (schema.Wire{Prefix: "identity"}).Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The page has each example as the file has it, so that what people copy is what is tested. It names every option.
func TestPageFollowsTheCode(t *testing.T) {
	page := readFile(t, "../../docs/providers/generic.md")
	for _, name := range examples(t) {
		if text := readFile(t, "testdata/"+name+".yaml"); !strings.Contains(page, "```yaml\n"+text+"```\n") {
			t.Errorf("docs/providers/generic.md does not have testdata/%s.yaml word for word", name)
		}
	}
	for _, tag := range tags(t) {
		if !strings.Contains(page, "`"+tag+"`") {
			t.Errorf("docs/providers/generic.md does not tell of `%s`", tag)
		}
	}
}

// Every configuration on the page starts.
func TestPageStarts(t *testing.T) {
	blocks := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(readFile(t, "../../docs/providers/generic.md"), -1)
	if len(blocks) <= len(examples(t)) {
		t.Errorf("%d blocks", len(blocks))
	}
	for _, block := range blocks {
		if _, err := build(t, block[1], secretOf("svix"), noon); err != nil {
			t.Errorf("%v\n%s", err, block[1])
		}
	}
}

// tags are the keys of all options.
func tags(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, m := range regexp.MustCompile("`yaml:\"([^\"]+)\"`").FindAllStringSubmatch(readFile(t, "options.go"), -1) {
		found = append(found, m[1])
	}
	if len(found) < 60 {
		t.Fatalf("options.go: %d keys", len(found))
	}
	return found
}

// request makes a delivery of headers and a body.
func request(method, target string, headers map[string]string, body string) provider.Request {
	u, err := url.ParseRequestURI(target)
	if err != nil {
		panic(fmt.Sprintf("%s: %v", target, err))
	}
	return provider.Request{Method: method, URL: u, Header: providertest.Header(headers), Body: []byte(body)}
}

func unmarshal(t testing.TB, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}
