// Package providertest is the suite that every provider passes.
//
// A case is a text file, testdata/*.txtar: what it shows, then the sections
//
//	-- config --     YAML: secrets, path, public_url, options (the source's own)
//	-- clock --      RFC 3339, optional
//	-- request --    HTTP/1.1; the newline at the end of the section is not part of the body
//	-- events --     JSON: the events as they go on the wire, sealing off (go test -update rewrites this section)
//	-- sensitive --  the members that are sealed, one a line
//	-- error --      instead of events: "new: …", "verify: …" or "decode: …", the step that fails and its text
//	-- answer --     optional, for an Answerer: status, headers, blank line, body; a header value * is any value
//	-- uncovered --  the tamperings (see tamper.go) that the scheme does not notice, one a line, * at the end for any rest
//
// Each case that gives events is then tampered with in every way the suite knows: what is not listed as uncovered must
// be refused, and what is listed must not.
//
// Beside the suite stands what the providers' own tests share: reading vectors, signed samples, a key to seal to.
package providertest

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/provider"
)

var update = flag.Bool("update", false, "rewrite the events of testdata/*.txtar")

// A Suite is a provider under test.
type Suite struct {
	New    func(provider.Config) (provider.Provider, error)
	Schema []byte // schema.json: it and Decode must agree on which bodies can be read
	Config string // YAML, as in the section config: for samples
	// Tamper gives tamperings that only this scheme knows, by name: the salt inside a header. Nil: none.
	Tamper func(provider.Request) map[string]provider.Request
	// Claims are for a body that is no JSON and holds some, as a token does: they take it out, or put other JSON in its
	// place and sign nothing. Schema is then about that JSON. Nil: the body is the JSON.
	Claims     func(body []byte) []byte
	WithClaims func(body, claims []byte) []byte
}

// Run runs the cases in testdata, tampers with them, and sends each sample around: made, signed, verified, decoded.
func Run(t *testing.T, s Suite) {
	checker := newChecker(t, s.Schema)
	t.Run("refuses empty secrets", s.testEmptySecrets)
	t.Run("sample", func(t *testing.T) { s.testSamples(t, checker) })
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases in testdata (%v)", err)
	}
	for _, file := range files {
		c := readCase(t, file)
		t.Run(c.name, func(t *testing.T) { s.testCase(t, c, checker) })
	}
}

func (s Suite) testEmptySecrets(t *testing.T) {
	for _, secrets := range [][]string{nil, {}, {""}, {"one", ""}, {"", "one"}} {
		c := s.sampleConfig(t)
		c.Secrets = secrets
		if _, err := s.New(c); err == nil {
			t.Errorf("New with secrets %q: no error", secrets)
		}
	}
}

// json is what Schema is about.
func (s Suite) json(body []byte) []byte {
	if s.Claims == nil {
		return body
	}
	return s.Claims(body)
}

// edits gives the bodies that differ from a body in one thing of its JSON.
func (s Suite) edits(body []byte) []edit {
	all := edits(s.json(body))
	for i := range all {
		if s.WithClaims != nil {
			all[i].body = s.WithClaims(body, all[i].body)
		}
	}
	return all
}

// make builds the provider of a configuration that must be right.
func (s Suite) make(t *testing.T, c provider.Config) provider.Provider {
	t.Helper()
	p, err := s.New(c)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return p
}

// sampleConfig is the configuration for samples, with the clock of the machine.
func (s Suite) sampleConfig(t *testing.T) provider.Config {
	t.Helper()
	c := parseConfig(t, []byte(s.Config))
	c.Now = time.Now
	return c
}

// newChecker compiles a provider's schema.json, which must be a draft 2020-12 one.
func newChecker(t *testing.T, text []byte) *jsonschema.Schema {
	t.Helper()
	const draft = "https://json-schema.org/draft/2020-12/schema"
	document := decodeJSON(t, text)
	if object, _ := document.(map[string]any); object["$schema"] != draft {
		t.Fatalf("schema.json: $schema is %v, want %s", object["$schema"], draft)
	}
	return compile(t, document)
}
