package ingress_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/ssofy"
	"github.com/forebayhq/forebay/schema"
)

// A vector is one request as a provider sends it, good or bad, with the verdict.
type vector struct {
	Name, Kind, Secret, Method, URL, Path string
	Headers                               map[string]string
	Body                                  string
	Salt                                  string
	Valid                                 bool
	Expected                              struct{ Hash string }
	ExpectedPHP                           struct{ Signature string } `json:"expected_php"`
	Expect                                struct {
		ID       *string
		Type     string
		TimeUnix int64 `json:"time_unix_s"`
	}
}

// A verdict is what is to become of a vector.
type verdict struct {
	status  int
	outcome string
	stored  int
}

func loadVectors(t *testing.T, file string) []vector {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var f struct{ Vectors []vector }
	if err := json.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f.Vectors
}

// runVector sends v, byte for byte, to a source of its secret at sourcePath, and holds what happens against want.
func runVector(t *testing.T, create func(provider.Config) (provider.Provider, error), sourcePath, target string, v vector, want verdict) (*bench, reply) {
	t.Helper()
	p, err := create(provider.Config{Source: "test", Secrets: []string{v.Secret}, Path: sourcePath, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, p, func(b *bench) {
		b.config.Sources = []ingress.Source{{Name: "test", ProviderName: "test", Path: sourcePath, Provider: p}}
	})
	got := b.raw("%s", wire(v, target))
	if got.status != want.status {
		t.Errorf("status: got %d, want %d", got.status, want.status)
	}
	if n := len(b.messages()); n != want.stored {
		t.Errorf("stored: got %d, want %d", n, want.stored)
	}
	if want.outcome != "" {
		eventually(t, want.outcome, func() bool {
			return b.count("forebay_deliveries_total", want.outcome, "test") == 1
		})
	}
	return b, got
}

func wire(v vector, target string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "POST %s HTTP/1.1\r\nHost: hooks.example.com\r\nContent-Length: %d\r\n", target, len(v.Body))
	headers := maps.Clone(v.Headers)
	if _, ok := headers["Content-Type"]; !ok {
		headers["Content-Type"] = "application/json"
	}
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		fmt.Fprintf(&b, "%s: %s\r\n", name, headers[name])
	}
	return b.String() + "\r\n" + v.Body
}

// tally prints how many of a provider's vectors came out as they should.
func tally(t *testing.T, name string, vectors []vector, run func(*testing.T, vector)) {
	passed := 0
	for _, v := range vectors {
		if t.Run(v.Name, func(t *testing.T) { run(t, v) }) {
			passed++
		}
	}
	t.Logf("%s: %d of %d vectors decided as the file says", name, passed, len(vectors))
}

func TestVectorsSSOfy(t *testing.T) {
	vectors := loadVectors(t, "testdata/ssofy.json")
	tally(t, "ssofy", vectors, func(t *testing.T, v vector) {
		if v.Kind == "response" {
			if got := ssofyHash(v.Secret, v.Path+"1"+v.Salt); got != v.Expected.Hash { // as checkSSOfy expects answers
				t.Errorf("got %s, want %s", got, v.Expected.Hash)
			}
			return
		}
		for _, target := range targets(t, v) {
			b, got := runVector(t, ssofy.New, sourcePath(v), target, v, ssofyVerdict(v))
			checkSSOfy(t, v, b, got)
		}
		if v.ExpectedPHP.Signature != "" {
			runVector(t, ssofy.New, v.Path, v.Path, signedByPHP(v), phpVerdict(v))
		}
	})
}

// sourcePath is where the source is: where the case calls it, except where the case is about calling another path.
func sourcePath(v vector) string {
	switch v.Name {
	case "malleable-path-absorbs-value", "reject-extra-trailing-slash":
		return "/webhooks/ssofy"
	}
	return v.Path
}

// targets are the request lines of a case: its path with the query of its URL, and the URL's path where it is raw.
func targets(t *testing.T, v vector) []string {
	t.Helper()
	u, err := url.Parse(v.URL)
	if err != nil {
		t.Fatal(err)
	}
	target := v.Path
	if u.RawQuery != "" {
		target += "?" + u.RawQuery
	}
	if v.Name == "url-raw-unicode" {
		return []string{target, u.Path}
	}
	return []string{target}
}

// ssofyVerdict follows the file, with the exceptions that its README and the provider's page name.
func ssofyVerdict(v vector) verdict {
	unverified, unreadable := verdict{400, "unverified", 0}, verdict{400, "unreadable", 0}
	switch v.Name {
	case "malleable-path-absorbs-value", "reject-extra-trailing-slash":
		return verdict{404, "", 0}
	case "malleable-key-rename":
		return unreadable
	case "diverge-header-numeric-salt", "lone-surrogate":
		return unverified
	}
	var body struct{ Action any }
	_ = json.Unmarshal([]byte(v.Body), &body)
	action, _ := body.Action.(string)
	switch {
	case !v.Valid:
		return unverified
	case action == "":
		return unreadable
	}
	return verdict{200, "accepted", 1}
}

// phpVerdict: the PHP library's signature counts where numbers differ, and nowhere else.
func phpVerdict(v vector) verdict {
	if strings.HasPrefix(v.Name, "number-") {
		return verdict{400, "unreadable", 0} // verified, and no event
	}
	return verdict{400, "unverified", 0}
}

func signedByPHP(v vector) vector {
	v.Headers = maps.Clone(v.Headers)
	v.Headers["Signature"] = v.ExpectedPHP.Signature
	return v
}

// checkSSOfy: the ID is the hash that was sent, and a success, alone, is signed.
func checkSSOfy(t *testing.T, v vector, b *bench, got reply) {
	t.Helper()
	if got.status != 200 {
		if got.header.Get("Signature") != "" {
			t.Error("a refusal is signed")
		}
		return
	}
	if want := "test/" + readSSOfy(t, v.Headers["Signature"]).Hash; b.messages()[0].ID != want {
		t.Errorf("id: got %s, want %s", b.messages()[0].ID, want)
	}
	if got.body != `{"success":true}` || got.header.Get("Forebay-Stored") != "journal" {
		t.Errorf("got %s, Forebay-Stored %q", got.body, got.header.Get("Forebay-Stored"))
	}
	s := readSSOfy(t, got.header.Get("Signature"))
	if want := ssofyHash(v.Secret, v.Path+"1"+s.Salt); s.Hash != want || len(s.Salt) < 16 {
		t.Errorf("signature of the answer: got %+v, want hash %s", s, want)
	}
	if v.Name == "malleable-flattened" && !strings.HasPrefix(string(b.messages()[0].Action), "other.") {
		t.Errorf("action: got %s, want other.…", b.messages()[0].Action)
	}
}

type ssofySignature struct{ Hash, Salt string }

func readSSOfy(t *testing.T, header string) (s ssofySignature) {
	t.Helper()
	text, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(header, "="))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func ssofyHash(secret, message string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(message))
	return hex.EncodeToString(mac.Sum(nil))
}

func TestVectorsMgPass(t *testing.T) {
	tally(t, "mgpass", loadVectors(t, "testdata/mgpass.json"), func(t *testing.T, v vector) {
		want := verdict{200, "accepted", 1}
		if !v.Valid {
			want = verdict{401, "unverified", 0}
		}
		b, _ := runVector(t, mgpass.New, path, path, v, want)
		if v.Valid && v.Expect.Type != "" {
			checkMgPass(t, v, b)
		}
	})
}

func checkMgPass(t *testing.T, v vector, b *bench) {
	t.Helper()
	m := b.messages()[0]
	e, err := schema.Parse(m.Subject, m.Header, m.Body)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(v.Body))
	id := hex.EncodeToString(sum[:])
	if v.Expect.ID != nil {
		id = *v.Expect.ID
	}
	if e.ID != id || e.Native != v.Expect.Type {
		t.Errorf("got id %s, native %s; want %s, %s", e.ID, e.Native, id, v.Expect.Type)
	}
	if v.Expect.TimeUnix != 0 && e.Time.Unix() != v.Expect.TimeUnix {
		t.Errorf("time: got %d, want %d", e.Time.Unix(), v.Expect.TimeUnix)
	}
	if string(e.Payload) != v.Body {
		t.Errorf("payload: got %s, want the body as it came", e.Payload)
	}
}
