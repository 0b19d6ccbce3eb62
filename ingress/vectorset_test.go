package ingress_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// setConfig is how the vectors of security event tokens call the options.
type setConfig struct {
	Issuer        string   `json:"issuer"`
	Audience      []string `json:"audience"`
	Algorithms    []string `json:"algorithms"`
	RequireType   bool     `json:"require_typ"`
	ForbidExpiry  bool     `json:"forbid_exp"`
	Authorization string   `json:"authorization_header"`
}

func TestVectorsSET(t *testing.T) {
	f := loadVectors(t, "set/testdata/set.json")
	keys := serveJWKS(t, f.JWKS)
	tally(t, "set", f.Vectors, func(t *testing.T, v vector) {
		want := verdict{v.Expect.Status, 0}
		if v.Valid {
			want.stored = 1
		}
		b, got := v.run(t, setSource(t, f, v, keys), "", want)
		if !v.Valid {
			checkRefusal(t, v.Expect.Err, got)
			return
		}
		if got.body != *v.Expect.Body || got.header.Get("Forebay-Stored") != schema.StoredJournal {
			t.Errorf("answered %q, Forebay-Stored %q", got.body, got.header.Get("Forebay-Stored"))
		}
		m := b.messages()[0]
		var e schema.Event
		if err := json.Unmarshal(m.Body, &e); err != nil || e.ID != *v.Expect.ID || e.Native != v.Expect.Type || e.JWS != v.bytes(t) {
			t.Errorf("stored %s %s with the token %q, want %s %s", e.ID, e.Native, e.JWS, *v.Expect.ID, v.Expect.Type)
		}
	})
}

// setSource is the configuration file that a case wants. The key source is the secret, so there is none beside it.
func setSource(t *testing.T, f vectorFile, v vector, keys string) string {
	t.Helper()
	text := v.Config
	if string(text) == `"#/config"` {
		text = f.Config
	}
	var c setConfig
	if err := json.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	typ, exp := "optional", "ignore"
	if c.RequireType {
		typ = "require"
	}
	if c.ForbidExpiry {
		exp = "forbid"
	}
	options := fmt.Sprintf("issuer: %s, audience: %s, algorithms: %s, typ: %s, exp: %s, authorization: %s", quoted(t, c.Issuer),
		quoted(t, c.Audience), quoted(t, c.Algorithms), typ, exp, quoted(t, c.Authorization))
	source := `path: /in/set, secrets: ["${SECRET}"], set: {` + options + "}"
	if v.Secret == "" {
		source = "path: /in/set, set: {" + options + ", jwks_url: " + quoted(t, keys) + "}"
	}
	return "sources: {test: {provider: set, " + source + "}}\n"
}

// checkRefusal: status 400 has a code, a description and a language (RFC 8935, section 2.3).
func checkRefusal(t *testing.T, code string, got reply) {
	t.Helper()
	var body struct{ Err, Description string }
	if err := json.Unmarshal([]byte(got.body), &body); err != nil || body.Err != code || body.Description == "" {
		t.Errorf("answered %s, want the code %s", got.body, code)
	}
	if got.header.Get("Content-Type") != "application/json" || got.header.Get("Content-Language") != "en" {
		t.Errorf("headers: %v", got.header)
	}
}

// While the key set cannot be fetched, nobody can tell: 503, so that the transmitter comes again. Then it is accepted.
func TestKeySetThatIsAway(t *testing.T) {
	f := loadVectors(t, "set/testdata/set.json")
	var there atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !there.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write(f.JWKS)
	}))
	defer server.Close()
	v := f.Vectors[0]
	v.Now = time.Now().Unix()
	text := setSource(t, f, v, server.URL)
	_, got := v.run(t, text, "", verdict{http.StatusServiceUnavailable, 0})
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	there.Store(true)
	v.run(t, text, "", verdict{http.StatusAccepted, 1})
}

// What is no token never gets to it, and what is signed twice is stored once.
func TestTokensOverHTTP(t *testing.T) {
	f := loadVectors(t, "set/testdata/set.json")
	v := f.Vectors[0]
	text := setSource(t, f, v, serveJWKS(t, f.JWKS))
	b, _ := v.run(t, text, "", verdict{http.StatusAccepted, 1})
	if got := b.raw("%s", v.wire(t, "/in/set")); got.status != http.StatusAccepted || got.body != "" || len(b.messages()) != 1 {
		t.Errorf("a repetition: answered %d %q, stored %d", got.status, got.body, len(b.messages()))
	}
	for _, media := range []string{"application/json", "application/x-www-form-urlencoded", "application/jwt"} {
		v.Headers = map[string]string{"Content-Type": media}
		v.run(t, text, "", verdict{http.StatusUnsupportedMediaType, 0})
	}
}
