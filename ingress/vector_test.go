package ingress_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/generic"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/scalekit"
	"github.com/forebayhq/forebay/provider/set"
	"github.com/forebayhq/forebay/provider/ssofy"
)

// The vectors are requests as providers send them, good and bad, with the verdict; they stand in the testdata of the
// providers. Here each goes byte for byte through a real server, to a source that a configuration file makes. What a
// case says of its event is held by the providers' own tests too.

// A vectorFile is a file of them, with what holds for all.
type vectorFile struct {
	JWKS    json.RawMessage
	Config  json.RawMessage
	Vectors []vector
}

// A vector is one request, and what is to become of it. Each file has some of the members.
type vector struct {
	Name, Kind, Secret, Hash, Method, URL, Path string

	PathAndQuery string `json:"path_and_query"`
	TargetURI    string `json:"target_uri"`
	Headers      map[string]string
	Body         *string // nil: the bytes are in BodyBase64
	BodyBase64   string  `json:"body_base64"`
	Config       json.RawMessage

	Now     int64
	NowUnix int64    `json:"now_unix"`
	NowMS   int64    `json:"now_ms"`
	Topics  []string `json:"allowed_topics"`

	Valid      bool
	Transcoded bool `json:"valid_after_latin1_to_utf8"`

	Salt        string
	Expected    struct{ Hash string }
	ExpectedPHP struct{ Signature string } `json:"expected_php"`
	Expect      struct {
		ID       *string
		Type     string
		TimeUnix int64 `json:"time_unix_s"`
		Status   int
		Body     *string
		Err      string
	}
}

// A verdict is what is to become of a vector: the status, and how many messages are stored.
type verdict struct{ status, stored int }

// common is the verdict by which every provider goes that has no rules of its own. What is verified and cannot be read
// is stored too: in quarantine.
func (v vector) common() verdict {
	if v.Valid || v.Transcoded {
		return verdict{200, 1}
	}
	return verdict{401, 0}
}

func loadVectors(t *testing.T, file string) vectorFile {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "provider", filepath.FromSlash(file)))
	if err != nil {
		t.Fatal(err)
	}
	var f vectorFile
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Vectors) == 0 {
		t.Fatalf("%s: no vectors", file)
	}
	return f
}

// tally runs the vectors of a file and prints how many of them came out as they should.
func tally(t *testing.T, name string, vectors []vector, run func(*testing.T, vector)) {
	passed := 0
	for _, v := range vectors {
		if t.Run(name+"/"+v.Name, func(t *testing.T) { run(t, v) }) {
			passed++
		}
	}
	t.Logf("%s: %d of %d vectors decided as the file says", name, passed, len(vectors))
}

// start makes the one source of a configuration file, whatever secret it asks the environment for being that of v.
func (v vector) start(t *testing.T, text string) (config.Source, provider.Provider, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "forebay.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	create := map[string]func(provider.Config) (provider.Provider, error){
		"asgardeo": asgardeo.New, "entrust": entrust.New, "generic": generic.New, "mgpass": mgpass.New,
		"scalekit": scalekit.New, "set": set.New, "ssofy": ssofy.New,
	}
	c, err := config.Load(file, config.Options{
		Getenv: func(string) string { return v.Secret }, Providers: slices.Collect(maps.Keys(create)),
	})
	if err != nil {
		return config.Source{}, nil, err
	}
	if len(c.Sources) != 1 {
		return config.Source{}, nil, errors.New("not one source")
	}
	s := c.Sources[0]
	p, err := create[s.Provider](s.Config(v.clock))
	return s, p, err
}

// run sends v, byte for byte, to the source of a configuration file, at target or, where that is empty, at the path of
// the source, and holds what happens against want. A source that does not start refuses everything: no bench.
func (v vector) run(t *testing.T, text, target string, want verdict) (*bench, reply) {
	t.Helper()
	s, p, err := v.start(t, text)
	if err != nil {
		if want.stored > 0 {
			t.Errorf("refused at start: %v", err)
		}
		return nil, reply{}
	}
	b := newBench(t, p, func(b *bench) {
		b.config.Sources = []ingress.Source{{Name: "test", ProviderName: s.Provider, Path: s.Path, Provider: p}}
		b.config.Now = v.clock
	})
	if target == "" {
		target = s.Path
	}
	got := b.raw("%s", v.wire(t, target))
	if stored := len(b.messages()); got.status != want.status || stored != want.stored {
		t.Errorf("answered %d and stored %d, want %d and %d: %s", got.status, stored, want.status, want.stored, got.body)
	}
	return b, got
}

func (v vector) clock() time.Time {
	switch {
	case v.NowMS != 0:
		return time.UnixMilli(v.NowMS)
	case v.Now+v.NowUnix != 0:
		return time.Unix(v.Now+v.NowUnix, 0)
	}
	return time.Now()
}

func (v vector) bytes(t *testing.T) string {
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

// wire is the request as it goes over the network. A case without a content type has that of its provider.
func (v vector) wire(t *testing.T, target string) string {
	t.Helper()
	if v.Method == "" {
		v.Method = http.MethodPost
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: ingress.example.com\r\n", v.Method, target)
	headers := map[string]string{}
	for name, value := range v.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	if v.Method == http.MethodPost {
		headers["Content-Length"] = fmt.Sprint(len(v.bytes(t)))
		if headers["Content-Type"] == "" {
			headers["Content-Type"] = "application/json"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, headers[name])
	}
	return b.String() + "\r\n" + v.bytes(t)
}

// quoted is a value in JSON, which is YAML too.
func quoted(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// aSource is a configuration file with one source at path.
func aSource(t *testing.T, of, path, options string) string {
	t.Helper()
	return fmt.Sprintf("public_url: https://ingress.example.com\nsources:\n  test: {provider: %s, path: %s, secrets: [\"${SECRET}\"]%s}\n",
		of, quoted(t, path), options)
}
