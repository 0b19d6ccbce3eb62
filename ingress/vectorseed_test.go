package ingress_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

func TestVectorsSSOfy(t *testing.T) {
	tally(t, "ssofy", loadVectors(t, "ssofy/testdata/ssofy.json").Vectors, func(t *testing.T, v vector) {
		if v.Kind == "response" {
			if got := ssofyHash(v.Secret, v.Path+"1"+v.Salt); got != v.Expected.Hash { // as checkSSOfy expects answers
				t.Errorf("got %s, want %s", got, v.Expected.Hash)
			}
			return
		}
		for _, target := range targets(t, v) {
			b, got := v.run(t, aSource(t, "ssofy", sourcePath(v), ""), target, ssofyVerdict(t, v))
			checkSSOfy(t, v, b, got)
		}
		if v.ExpectedPHP.Signature != "" {
			signedByPHP(v).run(t, aSource(t, "ssofy", v.Path, ""), v.Path, phpVerdict(v))
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
func ssofyVerdict(t *testing.T, v vector) verdict {
	refused := verdict{400, 0}
	switch v.Name {
	case "malleable-path-absorbs-value", "reject-extra-trailing-slash":
		return verdict{404, 0}
	case "malleable-key-rename", "diverge-header-numeric-salt", "lone-surrogate":
		return refused
	}
	var body struct{ Action any }
	_ = json.Unmarshal([]byte(v.bytes(t)), &body)
	action, _ := body.Action.(string)
	if !v.Valid || action == "" {
		return refused
	}
	return verdict{200, 1}
}

// phpVerdict: the PHP library's signature counts where numbers differ, and nowhere else. Either way it is a 400: what is
// signed there is no event.
func phpVerdict(vector) verdict { return verdict{400, 0} }

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
	tally(t, "mgpass", loadVectors(t, "mgpass/testdata/mgpass.json").Vectors, func(t *testing.T, v vector) {
		b, _ := v.run(t, aSource(t, "mgpass", path, ""), "", v.common())
		if v.Valid && v.Expect.Type != "" {
			checkMgPass(t, v, b)
		}
	})
}

func checkMgPass(t *testing.T, v vector, b *bench) {
	t.Helper()
	m := b.messages()[0]
	var e schema.Event
	if err := json.Unmarshal(m.Body, &e); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(v.bytes(t)))
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
	if string(e.Payload) != v.bytes(t) {
		t.Errorf("payload: got %s, want the body as it came", e.Payload)
	}
}

func TestVectorsAsgardeo(t *testing.T) {
	tally(t, "asgardeo", loadVectors(t, "asgardeo/testdata/asgardeo.json").Vectors, func(t *testing.T, v vector) {
		topics, want := []string{}, v.common()
		if v.Method == http.MethodGet {
			v.Secret, topics, want = "not asked for", v.Topics, verdict{v.Expect.Status, 0}
		}
		if v.PathAndQuery == "" {
			v.PathAndQuery = "/in/asgardeo"
		}
		at, _, _ := strings.Cut(v.PathAndQuery, "?")
		options := ", asgardeo: {sha1: " + quoted(t, v.Name == "hub-sha1") + ", topics: " + quoted(t, topics) + "}"
		_, got := v.run(t, aSource(t, "asgardeo", at, options), v.PathAndQuery, want)
		if v.Method == http.MethodGet && want.status == 200 && got.body != *v.Expect.Body {
			t.Errorf("answered %q, want %q", got.body, *v.Expect.Body)
		}
	})
}

func TestVectorsEntrust(t *testing.T) {
	tally(t, "entrust", loadVectors(t, "entrust/testdata/entrust.json").Vectors, func(t *testing.T, v vector) {
		u, err := url.Parse(v.TargetURI)
		if err != nil {
			t.Fatal(err)
		}
		v.run(t, aSource(t, "entrust", u.EscapedPath(), ""), u.RequestURI(), v.common())
	})
}

func TestVectorsScalekit(t *testing.T) {
	tally(t, "scalekit", loadVectors(t, "scalekit/testdata/scalekit.json").Vectors, func(t *testing.T, v vector) {
		v.run(t, aSource(t, "scalekit", v.Path, ""), "", v.common())
	})
}
