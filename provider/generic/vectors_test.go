package generic_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
)

// A vector is one request as a provider sends it, good or bad, with the verdict.
type vector struct {
	Name, Secret, Kind, Hash string
	Headers                  map[string]string
	Body                     string
	Now                      int64
	NowMS                    int64 `json:"now_ms"`
	Valid                    bool
}

type vectorFile struct {
	JWKS    json.RawMessage
	Vectors []vector
}

func (v vector) clock() time.Time {
	switch {
	case v.NowMS != 0:
		return time.UnixMilli(v.NowMS)
	case v.Now != 0:
		return time.Unix(v.Now, 0)
	}
	return noon
}

// vectorFiles are the examples whose providers the vectors are of.
var vectorFiles = map[string]string{
	"zitadel": "zitadel", "workos": "workos", "logto": "logto", "svix": "svix", "clerk": "clerk",
	"keycloak-phasetwo": "keycloak", "keycloak-phasetwo-bearer": "keycloak-bearer", "fusionauth": "fusionauth",
	"kinde": "kinde",
}

// vectorPath: what other verifiers read too stands with them.
func vectorPath(file string) string {
	if file == "svix" || file == "clerk" {
		return "../testdata/" + file + ".json"
	}
	return "testdata/" + file + ".json"
}

func TestVectors(t *testing.T) {
	for file, example := range vectorFiles {
		var f vectorFile
		unmarshal(t, readFile(t, vectorPath(file)), &f)
		text := readFile(t, "testdata/"+example+".yaml")
		if f.JWKS != nil {
			text = serveKeys(t, text, f.JWKS)
		}
		for _, v := range f.Vectors {
			t.Run(file+"/"+v.Name, func(t *testing.T) { v.run(t, text) })
		}
	}
}

// build makes the provider of an example, as the vector wants it configured.
func (v vector) build(t *testing.T, text string) (provider.Provider, error) {
	t.Helper()
	if v.Hash != "" {
		text = strings.Replace(text, "hmac: {", "hmac: {hash: "+v.Hash+", ", 1)
	}
	if v.Secret != "" && strings.Contains(text, "jwks_url") {
		text = sharedSecret(text)
	}
	return build(t, text, v.Secret, v.clock())
}

func (v vector) run(t *testing.T, text string) {
	p, err := v.build(t, text)
	r := request(http.MethodPost, "/webhooks/test", v.Headers, v.Body)
	if err == nil {
		err = p.Verify(r)
	}
	if (err == nil) != v.Valid {
		t.Fatalf("got %v, want valid %t", err, v.Valid)
	}
	if v.Valid {
		checkTampering(t, p, r)
		encode(t, providertest.Decode(t, p, r))
	}
}

// sharedSecret turns an example with a key set into one with a shared secret.
func sharedSecret(text string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.Contains(line, "jwks_url") })
	text = strings.Join(lines, "\n")
	text = strings.Replace(text, "algorithms: [RS256, ES256, EdDSA]", "algorithms: [HS256]", 1)
	return strings.Replace(text, "provider: generic\n", "provider: generic\n    secrets: [\"${SECRET}\"]\n", 1)
}

// checkTampering changes each byte of a genuine body in turn.
func checkTampering(t *testing.T, p provider.Provider, r provider.Request) {
	t.Helper()
	genuine := r.Body
	for i := range genuine {
		r.Body = slices.Clone(genuine)
		r.Body[i] ^= 1
		if p.Verify(r) == nil {
			t.Fatalf("byte %d of the body changed, and accepted", i)
		}
	}
	r.Body = append(slices.Clone(genuine), 'x')
	if p.Verify(r) == nil {
		t.Error("a byte more, and accepted")
	}
}

func TestSharedCredentialVectors(t *testing.T) {
	var f vectorFile
	unmarshal(t, readFile(t, "testdata/shared-credential.json"), &f)
	for _, v := range f.Vectors {
		t.Run(v.Name, func(t *testing.T) {
			in, name, _ := strings.Cut(v.Kind, ":")
			credential := fmt.Sprintf("credential: {in: %s, name: %q, unsigned: true}", in, name)
			p, err := build(t, minimal(credential), v.Secret, v.clock())
			if err == nil {
				err = p.Verify(request(http.MethodPost, "/webhooks/test", v.Headers, v.Body))
			}
			if (err == nil) != v.Valid {
				t.Errorf("got %v, want valid %t", err, v.Valid)
			}
		})
	}
}

// minimal is a source with a verifier and nothing that is not needed.
func minimal(verify string) string {
	return "sources:\n  test:\n    provider: generic\n    secrets: [\"${SECRET}\"]\n" +
		"    generic:\n      verify: {" + verify + "}\n      type: /type\n"
}

// What the events of the vectors are, member by member.
func TestVectorsDecode(t *testing.T) {
	for _, c := range []struct{ file, name, want string }{
		{"zitadel", "session-terminated", `{"id":"inst_1:session:ses_1:4","action":"session.ended","native":"session.terminated","time":"2026-01-15T09:31:00Z","session":{"id":"ses_1"},"organization":{"id":"org_1"}}`},
		{"zitadel", "unknown-field-ignored", `{"id":"336392597046034435:user:336494809936035843:1","action":"user.created","native":"user.human.added","time":"2026-01-15T09:30:00.123456Z","user":{"id":"336494809936035843","preferred_username":"ada","email":"ada@example.com"},"organization":{"id":"336392597046099971"}}`},
		{"workos", "user-created", `{"id":"event_01HFG2B7X0YQ8C5W3T9V6M4K2J","action":"user.created","native":"user.created","time":"2026-01-15T09:30:00Z","user":{"id":"user_01","email":"ada@example.com"}}`},
		{"logto", "post-sign-in", `{"id":"a68e2c435285f4e21312e3d236ba8e63721b568e7c7b4510ea646da6822db16e","action":"login.succeeded","native":"PostSignIn","time":"2026-01-15T09:30:00Z","user":{"id":"u1","email":"ada@example.com"},"session":{"id":"s1"},"client":{"ip":"203.0.113.7"}}`},
		{"svix", "stytch-body", `{"id":"msg_05","action":"user.created","native":"DIRECT.user.CREATE","time":"2026-01-15T09:30:00Z","user":{"id":"user-test-1"}}`},
		{"svix", "white-label-headers", `{"id":"msg_01","action":"user.created","native":"user.created","time":"2026-01-15T09:30:00Z","user":{"id":"usr_01","email":"ada@example.com"}}`},
		{"clerk", "session-ended", `{"id":"msg_c2","action":"session.ended","native":"session.ended","time":"2026-01-15T09:29:59.7Z","user":{"id":"user_1"},"session":{"id":"sess_1"}}`},
		{"clerk", "rotation", `{"id":"msg_c1","action":"user.created","native":"user.created","time":"2026-01-15T09:29:59.6Z","user":{"id":"user_29w83sxmDNGwOuEthce5gg56FcC","given_name":"Ada"},"client":{"ip":"203.0.113.7","user_agent":"Mozilla/5.0"}}`},
		{"keycloak-phasetwo", "access-login-sha256", `{"id":"c0ffee00-0000-4000-8000-000000000002","action":"login.succeeded","native":"access.LOGIN","time":"2026-01-15T09:30:00.123Z","actor":{"type":"user","id":"11111111-2222-4333-8444-555555555555","name":"ada"},"user":{"id":"11111111-2222-4333-8444-555555555555","preferred_username":"ada"},"session":{"id":"s-1"},"organization":{"id":"9f1b6c2e-0000-4000-8000-000000000001","name":"demo"},"application":{"id":"account"},"client":{"ip":"203.0.113.7"}}`},
		{"fusionauth", "es256", `{"id":"e502168a-b469-45d9-a079-fd45f83e0406","action":"login.succeeded","native":"user.login.success","time":"2026-01-15T09:30:00.123Z","user":{"id":"00000000-0000-0001-0000-000000000001","email":"ada@example.com"},"organization":{"id":"10000000-0000-0001-0000-000000000000"},"application":{"id":"10000000-0000-0002-0000-000000000001"},"client":{"ip":"203.0.113.7","user_agent":"Mozilla/5.0"}}`},
		{"kinde", "user-created", `{"id":"event_1","action":"user.created","native":"user.created","time":"2026-01-15T09:30:00Z","user":{"id":"kp_1","email":"ada@example.com"}}`},
	} {
		t.Run(c.file+"/"+c.name, func(t *testing.T) {
			example := vectorFiles[c.file]
			p := mustBuild(t, readFile(t, "testdata/"+example+".yaml"), secretOf(example), noon)
			v := find(t, c.file, c.name)
			e := providertest.Decode(t, p, request(http.MethodPost, "/", v.Headers, v.Body))
			if kinde := c.file == "kinde"; (e.JWS == v.Body) != kinde {
				t.Errorf("jws is the token: %t, want %t", !kinde, kinde)
			}
			var got, want map[string]any
			unmarshal(t, string(encode(t, e).Body), &got)
			unmarshal(t, c.want, &want)
			for _, name := range []string{"payload", "jws", "source", "provider", "received", "outcome", "semantics"} {
				delete(got, name)
			}
			if g, w := marshal(t, got), marshal(t, want); g != w {
				t.Errorf("got  %s\nwant %s", g, w)
			}
		})
	}
}

func find(t *testing.T, file, name string) vector {
	t.Helper()
	var f vectorFile
	unmarshal(t, readFile(t, vectorPath(file)), &f)
	i := slices.IndexFunc(f.Vectors, func(v vector) bool { return v.Name == name })
	if i < 0 {
		t.Fatalf("%s: no vector %s", file, name)
	}
	return f.Vectors[i]
}

func marshal(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
