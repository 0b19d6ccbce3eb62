package config

import (
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/schema"
)

var (
	providers = []string{"ssofy", "mgpass"}
	jobs      = []string{"otp", "webhook"}
)

// environment is a getenv over a literal.
func environment(pairs map[string]string) func(string) string {
	return func(name string) string { return pairs[name] }
}

// write makes files in a fresh folder and gives the path of the first, forebay.yaml.
func write(t *testing.T, yaml string, others ...string) string {
	t.Helper()
	folder := t.TempDir()
	for i := 0; i < len(others); i += 2 {
		writeFile(t, filepath.Join(folder, others[i]), others[i+1])
	}
	path := filepath.Join(folder, "forebay.yaml")
	writeFile(t, path, yaml)
	return path
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, path string) *Config {
	t.Helper()
	c, err := Load(path, Options{Getenv: environment(nil), Providers: providers, Jobs: jobs})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A source that is as short as one can be.
const source = "sources: {a: {provider: ssofy, secrets: [s]}}\n"

func TestLoadReadsEveryKey(t *testing.T) {
	cert, key := pair(t)
	path := write(t, `
listen: ":8443"
admin: localhost:9000
public_url: https://hooks.example.com/in/
data: /var/lib/forebay
trusted_proxies: [10.0.0.0/8, "fd00::/8"]
tls: {cert: c.pem, key: k.pem, client_ca: ca.pem}
ack: stream
journal: {max_bytes: 5MB, dedupe: 1h, guard: 5m}
nats:
  url: nats://one:4222,tls://two
  user: u
  password: "0123"
  tls: {ca: ca.pem, cert: c.pem, key: k.pem}
stream: {name: S, prefix: p, replicas: 3, max_age: 48h, max_bytes: 0, duplicate_window: 30m,
  lifetimes: {otp.requested: 0s, password.reset: 1h}}
seal: off
limits: {body: 2048, rate: 3000/m, burst: 7, concurrent: 9}
lanes: {urgent: [user.created]}
sources:
  z: {provider: mgpass, secrets: [one, 007], dedupe: 2h, path: /in/ä, public_url: http://other.example}
  a: {provider: ssofy, secret_file: a.txt, secret_files: [b.txt]}
`, "c.pem", cert, "k.pem", key, "ca.pem", cert, "a.txt", "three\n", "b.txt", "four\r\n")
	c := load(t, path)
	folder := Path(filepath.Dir(path))
	want := &Config{
		Listen: ":8443",
		Admin:  "localhost:9000",
		Data:   "/var/lib/forebay",
		TrustedProxies: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8"),
		},
		TLS:     TLS{Cert: folder + "/c.pem", Key: folder + "/k.pem", ClientCA: folder + "/ca.pem"},
		Ack:     schema.StoredStream,
		Journal: Journal{MaxBytes: 5e6, Dedupe: time.Hour, Guard: 5 * time.Minute},
		NATS: NATS{URL: "nats://one:4222,tls://two", Listen: "127.0.0.1:4222", User: "u", Password: "0123",
			TLS: NATSTLS{CA: folder + "/ca.pem", Cert: folder + "/c.pem", Key: folder + "/k.pem"}},
		Stream: Stream{Name: "S", Prefix: "p", Replicas: 3, MaxAge: 48 * time.Hour, DuplicateWindow: 30 * time.Minute,
			Lifetimes: map[schema.Action]time.Duration{"password.reset": time.Hour}},
		Seal:   Seal{Off: true},
		Limits: Limits{Body: 2048, Rate: 50, Burst: 7, Concurrent: 9},
		Lanes:  Lanes{Urgent: []schema.Action{"user.created"}},
		File:   path, dataWhere: path + ":5: data",
		Sources: Sources{
			{Name: "z", Provider: "mgpass", Secrets: []Secret{"one", "007"}, Dedupe: 2 * time.Hour, Path: "/in/%C3%A4",
				Where: path + ":21: sources.z"},
			{Name: "a", Provider: "ssofy", Secrets: []Secret{"three", "four"}, Dedupe: time.Hour, Path: "/webhooks/a",
				SecretFile: folder + "/a.txt", SecretFiles: []Path{folder + "/b.txt"}, Where: path + ":22: sources.a"},
		},
	}
	if got := c.PublicURL.String(); got != "https://hooks.example.com/in" {
		t.Errorf("public_url: got %s", got)
	}
	if got := c.Sources[0].PublicURL.String(); got != "http://other.example" {
		t.Errorf("sources.z.public_url: got %s", got)
	}
	if c.Sources[1].PublicURL != c.PublicURL {
		t.Errorf("sources.a.public_url: got %s", c.Sources[1].PublicURL)
	}
	want.PublicURL, want.Sources[0].PublicURL, want.Sources[1].PublicURL = c.PublicURL, c.Sources[0].PublicURL, c.PublicURL
	if !reflect.DeepEqual(c, want) {
		t.Errorf("got  %+v\nwant %+v", c, want)
	}
}

func TestEmptyFileMeansTheDefaults(t *testing.T) {
	for _, text := range []string{"", "# nothing\n", "---\n", "sources:\nlimits:\n", "\ufefflisten: 127.0.0.1:8080\r\n"} {
		path := write(t, text)
		c := load(t, path)
		if c.Listen != "127.0.0.1:8080" || c.Limits.Body != 1<<20 || c.Stream.Lifetimes["otp.requested"] != 10*time.Minute {
			t.Errorf("%q: got %+v", text, c)
		}
		if want := Path(filepath.Join(filepath.Dir(path), "data")); c.Data != want {
			t.Errorf("%q: data is %s, want %s", text, c.Data, want)
		}
		if len(c.Warnings) != 1 || !strings.HasSuffix(c.Warnings[0], "sources: none configured: every delivery is answered 404") {
			t.Errorf("%q: warnings %q", text, c.Warnings)
		}
	}
}

func TestEnvironment(t *testing.T) {
	path := write(t, `
listen: ${HOST}:${PORT}
limits: {burst: "${BURST}"}
sources:
  a:
    provider: ssofy
    secrets: ["${INJECT}", "a$${b}$c", "<${KEYED}>"]
`)
	c, err := Load(path, Options{Providers: providers, Getenv: environment(map[string]string{
		"HOST": "127.0.0.1", "PORT": "9", "BURST": "12", "INJECT": "x\"]\n    path: /evil", "KEYED": "${HOST}",
	})})
	if err != nil {
		t.Fatal(err)
	}
	if c.Listen != "127.0.0.1:9" || c.Limits.Burst != 12 || c.Sources[0].Path != "/webhooks/a" {
		t.Errorf("got %+v", c)
	}
	want := []string{"x\"]\n    path: /evil", "a${b}$c", "<${HOST}>"}
	if got := c.Sources[0].Config(time.Now).Secrets; !slices.Equal(got, want) {
		t.Errorf("secrets: got %q, want %q", got, want)
	}
}

func TestAnchors(t *testing.T) {
	c := load(t, write(t, `
sources:
  a: {provider: ssofy, secrets: &old [one, two]}
  b: {provider: ssofy, secrets: *old}
`))
	if got := c.Sources[1].Config(time.Now).Secrets; !slices.Equal(got, []string{"one", "two"}) {
		t.Errorf("got %q", got)
	}
}

func TestDuplicateWindowCoversTheGuardWindow(t *testing.T) {
	for _, c := range []struct {
		text          string
		guard, window time.Duration
		warning       string
	}{
		{"", 20 * time.Second, 20 * time.Second, ""},
		{"ack: stream\n", 20 * time.Second, 2 * time.Minute, ""},
		{"seal: off\nnats: {url: nats://x}\n", 4 * time.Minute, 4 * time.Minute, ""},
		{"stream: {duplicate_window: 5s}\n", 20 * time.Second, 20 * time.Second,
			":1: stream.duplicate_window: is below the guard window and taken as 20s"},
		{"stream: {duplicate_window: 5s}\nack: stream\n", 20 * time.Second, 5 * time.Second, ""},
		{"journal: {guard: 10m}\n", 10 * time.Minute, 10 * time.Minute, ""},
		{"journal: {guard: 1s}\n", time.Second, time.Second,
			":1: journal.guard: is below 20s, twice the sync interval: events may be lost with the broker's memory"},
	} {
		got := load(t, write(t, c.text+source))
		if got.Journal.Guard != c.guard || got.Stream.DuplicateWindow != c.window {
			t.Errorf("%q: got %s and %s, want %s and %s", c.text, got.Journal.Guard, got.Stream.DuplicateWindow, c.guard, c.window)
		}
		if warnings := strings.Join(got.Warnings, "\n"); strings.TrimPrefix(warnings, got.File) != c.warning {
			t.Errorf("%q: got warnings %q, want %q", c.text, warnings, c.warning)
		}
	}
}

func TestWarnings(t *testing.T) {
	path := write(t, `admin: 0.0.0.0:8081
nats: {listen: ":4222"}
sources:
  a: {provider: ssofy, secret_file: open}
`)
	open := filepath.Join(filepath.Dir(path), "open")
	writeFile(t, open, "s")
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{
		path + ":1: admin: is not a loopback address: whoever reaches it sees and does what you can",
		path + ":2: nats.listen: is not a loopback address: set nats.token, or nats.user and nats.password",
		path + ":4: sources.a.secret_file: everybody on this machine can read " + open + ": chmod 600",
	}
	if got := load(t, path).Warnings; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	if got := load(t, write(t, "nats: {listen: \":4222\", token: t}\n"+source)).Warnings; len(got) > 0 {
		t.Errorf("with a token: got %q", got)
	}
}

// A consumer that asks for what never comes, and a private key where the public one belongs.
func TestWarningsOfWhatIsMistaken(t *testing.T) {
	private, public, err := schema.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, source+`seal: {recipient: key}
consumers:
  crm: {actions: [user.created, "user.*", "*", "other.*", other.device_trusted]}
  spelling:
    actions:
      - user.created
      - user.create
      - "users.*"
`)
	key := filepath.Join(filepath.Dir(path), "key")
	writeFile(t, key, string(public))
	const says = `: no action of the catalogue: "forebay schema actions" lists them`
	want := []string{
		path + ":8: consumers.spelling.actions[1]: user.create" + says,
		path + ":9: consumers.spelling.actions[2]: users.*" + says,
	}
	if got := load(t, path).Warnings; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	writeFile(t, key, string(private))
	got := load(t, path).Warnings
	if len(got) != 3 || !strings.Contains(got[0], ": seal.recipient: "+key+" is a private key") {
		t.Errorf("got %q", got)
	}
}

func TestFind(t *testing.T) {
	t.Chdir(t.TempDir())
	none, set := environment(nil), environment(map[string]string{"FOREBAY_CONFIG": "env.yaml"})
	check := func(flag string, getenv func(string) string, want string) {
		t.Helper()
		if got, ok := Find(flag, getenv); got != want || ok != (want != "") {
			t.Errorf("got %q, %t; want %q", got, ok, want)
		}
	}
	check("", none, "")
	check("", set, "env.yaml")
	check("flag.yaml", set, "flag.yaml")
	writeFile(t, "forebay.yaml", "")
	check("", none, "forebay.yaml")
	check("", set, "env.yaml")
}
