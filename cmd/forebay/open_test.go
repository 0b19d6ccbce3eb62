package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// keys writes a key pair, and gives the private key's file and what seals to it.
func keys(t *testing.T) (file string, sealer *schema.Sealer) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "seal.jwk")
	if _, stderr, code := call(t, "seal", "keygen", "--out", file); code != 0 {
		t.Fatal(stderr)
	}
	public, err := os.ReadFile(strings.TrimSuffix(file, ".jwk") + ".pub.jwk")
	check(t, err)
	sealer, err = schema.NewSealer(public)
	check(t, err)
	return file, sealer
}

func TestKeygenModes(t *testing.T) {
	file, _ := keys(t)
	private, err := os.Stat(file)
	check(t, err)
	if private.Mode().Perm() != 0o600 {
		t.Errorf("private key: mode %v, want 0600", private.Mode())
	}
	public, err := os.ReadFile(strings.TrimSuffix(file, ".jwk") + ".pub.jwk")
	check(t, err)
	if strings.Contains(string(public), `"d"`) {
		t.Error("the private member is in the public file")
	}
}

func TestOpenOne(t *testing.T) {
	file, sealer := keys(t)
	const secret = "correct horse \x1b[31m\n"
	compact, err := sealer.Seal([]byte(secret))
	check(t, err)
	for name, open := range map[string]func() (string, string, int){
		"argument": func() (string, string, int) { return call(t, "seal", "open", "--key", file, compact) },
		"standard input": func() (string, string, int) {
			return callWith(t.Context(), " \n"+compact+"\n", "seal", "open", "--key", file)
		},
		"dash": func() (string, string, int) {
			return callWith(t.Context(), compact, "seal", "open", "--key", file, "-")
		},
	} {
		if stdout, stderr, code := open(); stdout != secret || code != 0 {
			t.Errorf("%s: got %q, exit code %d: %s", name, stdout, code, stderr)
		}
	}
	key, err := os.ReadFile(file)
	check(t, err)
	var b bytes.Buffer
	check(t, opener{key: key, out: screen{Writer: &b, terminal: true}}.one(compact))
	if want := `correct horse \x1b[31m\n` + "\n"; b.String() != want {
		t.Errorf("on a terminal: got %q, want %q", b.String(), want)
	}
}

// Everything sealed in an event is opened, text as text and JSON as JSON, and the rest stays to the letter.
func TestOpenEvent(t *testing.T) {
	file, sealer := keys(t)
	m, err := schema.Wire{Prefix: "identity", Seal: sealer}.Encode(schema.Event{
		ID: "1", Action: "user.created", Native: "user_created", Source: "ssofy", Provider: "ssofy",
		Received:  time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		User:      &schema.User{Password: json.RawMessage(`"a<b"`)},
		JWS:       "a.b.c",
		Payload:   json.RawMessage(`{"n":1.50,"n":2,"list":[{"password":{"old":1e2}},null,"x"],"deep":{"password":"p"}}`),
		Sensitive: []schema.Member{"**.password"},
	}, "")
	check(t, err)
	for _, part := range []string{`"sealed":"`, `"jws":"ey`} {
		if !strings.Contains(string(m.Body), part) {
			t.Fatalf("the event has no %s: %s", part, m.Body)
		}
	}
	stdout, stderr, code := callWith(t.Context(), string(m.Body)+"\n"+string(m.Body), "seal", "open", "--key", file)
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, stderr)
	}
	lines := strings.Split(strings.TrimSpace(stdout), "\n")
	if len(lines) != 2 || lines[0] != lines[1] {
		t.Fatalf("two events in, out came: %s", stdout)
	}
	for _, want := range []string{
		`"user":{"password":"a<b"}`, `"jws":"a.b.c"`,
		`"payload":{"n":1.50,"n":2,"list":[{"password":{"old":1e2}},null,"x"],"deep":{"password":"p"}}`,
	} {
		if !strings.Contains(lines[0], want) {
			t.Errorf("no %s in %s", want, lines[0])
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	file, _ := keys(t)
	for name, stdin := range map[string]string{"nothing": "", "no JWE": "hello", "broken JSON": `{"a":`} {
		stdout, _, code := callWith(t.Context(), stdin, "seal", "open", "--key", file)
		if code != exitFailed || stdout != "" {
			t.Errorf("%s: exit code %d, output %q", name, code, stdout)
		}
	}
}
