package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Each file, and what is said about it: every line without the folder.
var badFiles = []struct{ name, text, want string }{
	{"unknown key", "listen: :1\nlisten_tls: :2\n",
		`forebay.yaml:2: listen_tls: unknown key; known here: ` + allKeys},
	{"a later issue", "dashboard: {}\n",
		`forebay.yaml:1: dashboard: unknown key; known here: ` + allKeys},
	{"unknown key within", "tls:\n  certificate: x\n",
		`forebay.yaml:2: tls.certificate: unknown key; known here: cert, client_ca, key`},
	{"merge key", "limits: &l {burst: 1}\ntls:\n  <<: *l\n",
		`forebay.yaml:3: tls.<<: unknown key; known here: cert, client_ca, key`},
	{"twice", "data: a\nack: journal\ndata: b\n",
		`forebay.yaml:3: data: written twice, first on line 1`},
	{"source twice", "sources:\n  a: {provider: ssofy, secrets: [s]}\n  a: {provider: ssofy, secrets: [s]}\n",
		`forebay.yaml:3: sources.a: written twice, first on line 2`},
	{"not a mapping", "- a\n", `forebay.yaml: want keys and values, have a list`},
	{"two documents", "ack: journal\n---\nack: stream\n", `forebay.yaml: want one YAML document and no directives`},
	{"tag", "data: !!str x\n", `forebay.yaml:1: data: YAML tags are not understood`},
	{"alias to nothing", "data: *x\n", `forebay.yaml:1: data: no such anchor above; a value that begins with * needs quotes`},
	{"alias that is a secret", "sources:\n  a:\n    provider: ssofy\n    secrets: [*hunter2]\n",
		`forebay.yaml:4: sources.a.secrets[0]: no such anchor above; a value that begins with * needs quotes`},
	{"no value", "ack: journal\ndata:\n", `forebay.yaml:2: data: has no value: write one, or leave the key out`},
	{"no value of a list", "consumers:\n  crm:\n    actions:\n    # - user.created\n    max_attempts: 3\n",
		`forebay.yaml:3: consumers.crm.actions: has no value: write one, or leave the key out`},
	{"no value of secrets", "sources:\n  a:\n    provider: ssofy\n    secrets: ~\n",
		`forebay.yaml:4: sources.a.secrets: has no value: write one, or leave the key out`},
	{"syntax", "ack: journal\nlimits: {burst: 1\n", `forebay.yaml:2: could not find flow mapping end token '}'`},
	{"one more brace", "limits: {burst:\n}}\n", `forebay.yaml:2: value is not allowed in this context`},
	{"no value, with a tag", "data: !!str\n", `forebay.yaml:1: data: YAML tags are not understood`},
	{"syntax, unquoted variable", "nats: {password: ${P}}\n",
		`forebay.yaml:1: ',' or '}' must be specified; a value with ${NAME} inside { } or [ ] needs quotes: "${NAME}"`},

	{"list for text", "data: [a]\n", `forebay.yaml:1: data: want text, have a list`},
	{"mapping for text", "data: {a: b}\n", `forebay.yaml:1: data: want text, have keys and values`},
	{"text for list", "trusted_proxies: 10.0.0.0/8\n", `forebay.yaml:1: trusted_proxies: want a list, have text`},
	{"text for mapping", "tls: true\n", `forebay.yaml:1: tls: want keys and values, have text`},
	{"list for source", "sources:\n  a: [x]\n", `forebay.yaml:2: sources.a: want keys and values, have a list`},
	{"size", "limits:\n  body: 10G\n", `forebay.yaml:2: limits.body: want a size such as 10GiB, 512KiB or 1048576`},
	{"size too large", "limits: {body: 9999999TiB}\n",
		`forebay.yaml:1: limits.body: want a size such as 10GiB, 512KiB or 1048576`},
	{"duration", "journal: {dedupe: 4d}\n", `forebay.yaml:1: journal.dedupe: want a duration such as 90s, 15m or 96h`},
	{"duration below zero", "journal: {dedupe: -4h}\n",
		`forebay.yaml:1: journal.dedupe: want a duration such as 90s, 15m or 96h`},
	{"rate", "limits: {rate: 200}\n", `forebay.yaml:1: limits.rate: want a rate above zero such as 200/s, 3000/m or 10000/h`},
	{"rate NaN", "limits: {rate: NaN/s}\n",
		`forebay.yaml:1: limits.rate: want a rate above zero such as 200/s, 3000/m or 10000/h`},
	{"whole number", "limits: {burst: 1.5}\n", `forebay.yaml:1: limits.burst: want a whole number`},
	{"range", "trusted_proxies:\n- 10.0.0.0/8\n- 10.0.0.1\n",
		`forebay.yaml:3: trusted_proxies[1]: netip.ParsePrefix("10.0.0.1"): no '/'`},
	{"URL", "public_url: hooks.example.com\n",
		`forebay.yaml:1: public_url: want an absolute URL such as https://hooks.example.com, without user, query and fragment`},
	{"URL with password", "public_url: https://u:hunter2@example.com\n",
		`forebay.yaml:1: public_url: want an absolute URL such as https://hooks.example.com, without user, query and fragment`},
	{"URL in other letters", "public_url: https://bücher.example\n",
		`forebay.yaml:1: public_url: want the host in ASCII, as senders call it: xn--bcher-kva.example for bücher.example`},
	{"ack", "ack: nats\n", `forebay.yaml:1: ack: want journal or stream`},
	{"seal", "seal: false\n", `forebay.yaml:1: seal: want {recipient: FILE} or off`},

	{"variable", "listen: ${HOST}:1\n", `forebay.yaml:1: listen: environment variable HOST is not set, or empty`},
	{"not a variable", "listen: ${}:1\n",
		`forebay.yaml:1: listen: ${ is not followed by a name and }; a plain ${ is written $${`},

	{"addresses", "listen: 8080\nadmin: localhost:http\nnats: {listen: x}\n",
		"forebay.yaml:1: listen: want host:port such as 127.0.0.1:8080\n" +
			"forebay.yaml:2: admin: want host:port such as 127.0.0.1:8080\n" +
			"forebay.yaml:3: nats.listen: want host:port such as 127.0.0.1:8080"},
	{"one address for both", "admin: 127.0.0.1:8080\n",
		`forebay.yaml:1: admin: is the same address as listen: webhooks come from outside, admin is for you alone`},
	{"admin host with a port", "admin_hosts: [\"forebay.example.com:8081\"]\n",
		`forebay.yaml:1: admin_hosts[0]: want a name such as forebay.example.com, without a port`},
	{"no data", "data: ''\n", `forebay.yaml:1: data: want a folder`},
	{"half a certificate", "tls: {cert: forebay.yaml}\n", `forebay.yaml:1: tls: cert and key need each other`},
	{"no certificate", "# hunter2\ntls: {cert: forebay.yaml, key: forebay.yaml}\n",
		`forebay.yaml:2: tls: cert and key: failed to find any PEM data in certificate input: ` +
			`want a certificate and its private key, both in PEM`},
	{"authorities alone", "tls: {client_ca: forebay.yaml}\n",
		"forebay.yaml:1: tls.client_ca: no certificate in forebay.yaml: want PEM\n" +
			"forebay.yaml:1: tls.client_ca: needs tls.cert and tls.key"},
	{"no such file", "seal: {recipient: none}\n",
		`forebay.yaml:1: seal.recipient: open none: no such file or directory`},
	{"no key", "seal: {recipient: forebay.yaml} # hunter2\n",
		`forebay.yaml:1: seal.recipient: forebay.yaml: not a JWK: not JSON: name a public key as "forebay seal keygen" writes it`},
	{"journal", "journal: {max_bytes: 0, dedupe: 0s}\n",
		"forebay.yaml:1: journal.max_bytes: want more than zero\nforebay.yaml:1: journal.dedupe: want more than zero"},

	{"silent on sealing", "ack: stream\nnats:\n  url: nats://x\n",
		`forebay.yaml:3: nats.url: a broker of your own needs a word on secrets inside events: "seal: {recipient: FILE}" ` +
			`encrypts them to a key made with "forebay seal keygen", "seal: off" leaves them readable`},
	{"server", "seal: off\nnats: {url: \"nats://x,http://y\"}\n",
		`forebay.yaml:2: nats.url: want a server such as nats://nats.internal:4222, or several with commas between`},
	{"password in the URL", "seal: off\nnats: {url: \"nats://u:hunter2@x\"}\n",
		`forebay.yaml:2: nats.url: credentials have keys of their own: nats.user and nats.password, or nats.token`},
	{"user alone", "seal: off\nnats: {url: x, user: u}\n", `forebay.yaml:2: nats: user and password need each other`},
	{"two logins", "seal: off\nnats: {url: x, creds: forebay.yaml, token: t}\n", `forebay.yaml:2: nats: creds, token: choose one`},
	{"login to the embedded broker", "nats: {creds: forebay.yaml}\n",
		`forebay.yaml:1: nats.creds: is for a broker of your own: set nats.url`},

	{"authority of the embedded broker", "nats: {tls: {ca: forebay.yaml}}\n",
		"forebay.yaml:1: nats.tls.ca: no certificate in forebay.yaml: want PEM\n" +
			"forebay.yaml:1: nats.tls.ca: is for a broker of your own: set nats.url"},
	{"users of another broker", "seal: off\nconsumers: {a: {}}\nnats: {url: x, users: {u: {password: p, consumers: [a]}}}\n",
		`forebay.yaml:3: nats.users: are of the embedded broker: your own has users of its own`},
	{"users without their operator", "consumers: {a: {}}\nnats: {users: {u: {password: p, consumers: [a]}}}\n",
		`forebay.yaml:2: nats.users: need nats.user and nats.password beside them, for you and for forebay's commands`},
	{"users", "consumers: {a: {}}\nnats:\n  user: o\n  password: hunter2\n  users:\n" +
		"    o: {password: hunter2, consumers: [a]}\n    a b: {password: hunter2, consumers: [a]}\n" +
		"    u: {}\n    w: {password: hunter2, consumers: [a, b, a]}\n",
		"forebay.yaml:6: nats.users.o: want a name of 1 to 64 letters, digits, _ and -, other than nats.user\n" +
			"forebay.yaml:7: nats.users.a b: want a name of 1 to 64 letters, digits, _ and -, other than nats.user\n" +
			"forebay.yaml:8: nats.users.u: needs a password: {password: \"${NAME}\"}\n" +
			"forebay.yaml:8: nats.users.u: needs consumers: those whose durables it may work off\n" +
			"forebay.yaml:9: nats.users.w.consumers[1]: want the name of one under consumers, once\n" +
			"forebay.yaml:9: nats.users.w.consumers[2]: want the name of one under consumers, once"},

	{"stream", "stream: {name: a.b, prefix: a.b, replicas: 0}\n",
		"forebay.yaml:1: stream.name: want letters, digits, _ and -\n" +
			"forebay.yaml:1: stream.prefix: want one subject token: 1 to 64 letters, digits, _ and -\n" +
			"forebay.yaml:1: stream.replicas: want 1 to 5"},
	{"replicas of one server", "stream: {replicas: 3}\n",
		`forebay.yaml:1: stream.replicas: the embedded broker is one server: want 1`},
	{"age below the window", "stream: {max_age: 10s}\n",
		`forebay.yaml:1: stream.max_age: want 0s, or at least the duplicate window of 20s`},
	{"lifetime", "stream:\n  lifetimes:\n    otp: 1m\n    a.b: 1ms\n",
		"forebay.yaml:3: stream.lifetimes.otp: " + wantAction + "\n" +
			"forebay.yaml:4: stream.lifetimes.a.b: want at least 1s, or 0s for none"},
	{"lane", "lanes:\n  urgent:\n  - a.b\n  - user.*\n", `forebay.yaml:4: lanes.urgent[1]: ` + wantAction},
	{"limits", "limits: {body: 0, burst: 0, concurrent: -1}\n",
		"forebay.yaml:1: limits.body: want at least 1KiB: deliveries are larger\nforebay.yaml:1: limits.burst: want more than zero\n" +
			"forebay.yaml:1: limits.concurrent: want more than zero"},

	{"source name", "sources:\n  Acme.x: {provider: ssofy, secrets: [s]}\n",
		`forebay.yaml:2: sources.Acme.x: want a name of 1 to 64 characters a-z, 0-9, _ and -, the first a letter or a digit`},
	{"no provider", "sources:\n  a: {secrets: [s]}\n", `forebay.yaml:2: sources.a: needs a provider; known: mgpass, ssofy`},
	{"unknown provider", "sources:\n  a:\n    provider: sofy\n    secrets: [s]\n",
		`forebay.yaml:3: sources.a.provider: unknown provider "sofy"; known: mgpass, ssofy`},
	{"no secret", "sources:\n  a:\n    provider: ssofy\n",
		`forebay.yaml:2: sources.a: needs a secret: "secrets: ["${NAME}"]" or "secret_file: FILE"`},
	{"no secrets", "sources:\n  a:\n    provider: ssofy\n    secrets: []\n",
		`forebay.yaml:2: sources.a: needs a secret: "secrets: ["${NAME}"]" or "secret_file: FILE"`},
	{"empty secret", "sources:\n  a:\n    provider: ssofy\n    secrets:\n    - s\n    - ''\n",
		`forebay.yaml:6: sources.a.secrets[1]: is empty`},
	{"null secret", "sources:\n  a:\n    provider: ssofy\n    secrets: [~]\n",
		`forebay.yaml:4: sources.a.secrets[0]: has no value: write one, or leave the key out`},
	{"one secret, no list", "sources:\n  a:\n    provider: ssofy\n    secrets: hunter2\n",
		`forebay.yaml:4: sources.a.secrets: want a list, have text`},
	{"misspelt secrets", "sources:\n  a:\n    provider: ssofy\n    secret: hunter2\n",
		`forebay.yaml:4: sources.a.secret: unknown key; known here: ` + sourceKeys},
	{"no secret file", "sources:\n  a:\n    provider: ssofy\n    secret_file: none\n",
		`forebay.yaml:4: sources.a.secret_file: open none: no such file or directory`},
	{"empty secret file", "sources:\n  a:\n    provider: ssofy\n    secret_files: [/dev/null]\n",
		`forebay.yaml:4: sources.a.secret_files[0]: /dev/null is empty`},
	{"options of another provider", "sources:\n  a:\n    provider: ssofy\n    secrets: [s]\n    mgpass: {max_age: 1h}\n",
		`forebay.yaml:5: sources.a.mgpass: unknown key; known here: ` + sourceKeys},
	{"same path", "sources:\n  a: {provider: ssofy, secrets: [s]}\n  b: {provider: ssofy, secrets: [s], path: /webhooks/a}\n",
		`forebay.yaml:3: sources.b: has the same path as sources.a: set another path`},
	{"same path, encoded", "sources:\n  a: {provider: ssofy, secrets: [s], path: /é}\n  b: {provider: ssofy, secrets: [s], path: /%C3%A9}\n",
		`forebay.yaml:3: sources.b: has the same path as sources.a: set another path`},
	{"path", "sources:\n  a: {provider: ssofy, secrets: [s], path: hooks}\n",
		`forebay.yaml:2: sources.a.path: must start with /`},
	{"path with query", "sources:\n  a: {provider: ssofy, secrets: [s], path: \"/a?b=c\"}\n",
		`forebay.yaml:2: sources.a.path: must have neither query nor fragment`},
	{"path with a blank", "sources:\n  a: {provider: ssofy, secrets: [s], path: /a b}\n",
		`forebay.yaml:2: sources.a.path: must have neither blanks nor control characters`},
	{"path with a lone %", "sources:\n  a: {provider: ssofy, secrets: [s], path: /a%2}\n",
		`forebay.yaml:2: sources.a.path: has a % that two hexadecimal digits do not follow`},
	{"path with a character that is escaped", "sources:\n  a: {provider: ssofy, secrets: [s], path: \"/é/hooks|a\"}\n",
		"forebay.yaml:2: sources.a.path: has one of \" < > \\ ^ { | } and backtick: write it as senders do, %7C for |"},
	{"dedupe", "sources:\n  a: {provider: ssofy, secrets: [s], dedupe: 0s}\n",
		`forebay.yaml:2: sources.a.dedupe: want more than zero`},

	{"everything at once", "sources:\n  a: {provider: sofy}\nlimits: {burst: x}\nack: ${A}\nnope: 1\n",
		"forebay.yaml:2: sources.a.provider: unknown provider \"sofy\"; known: mgpass, ssofy\n" +
			`forebay.yaml:2: sources.a: needs a secret: "secrets: ["${NAME}"]" or "secret_file: FILE"` + "\n" +
			"forebay.yaml:3: limits.burst: want a whole number\n" +
			"forebay.yaml:4: ack: environment variable A is not set, or empty\n" +
			"forebay.yaml:5: nope: unknown key; known here: " + allKeys},
}

const (
	allKeys = "ack, admin, admin_hosts, consumers, data, journal, lanes, limits, listen, nats, public_url, seal, sources, stream, tls, traces, trusted_proxies"

	sourceKeys = "dedupe, path, provider, public_url, secret_file, secret_files, secrets, " +
		"and the name of the provider for its own options"

	wantAction = "want an action such as otp.requested: two words of a-z, 0-9 and _, a full stop between"
)

func TestBadFiles(t *testing.T) {
	for _, c := range badFiles {
		t.Run(c.name, func(t *testing.T) {
			path := write(t, c.text)
			_, err := Load(path, Options{Getenv: environment(nil), Providers: providers})
			if err == nil {
				t.Fatal("loaded")
			}
			got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+string(filepath.Separator), "")
			if got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if strings.Contains(got, "hunter2") {
				t.Error("the error shows a secret")
			}
		})
	}
}

func TestNoFile(t *testing.T) {
	_, err := Load(filepath.Join(t.TempDir(), "none.yaml"), Options{Getenv: environment(nil)})
	if !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "read configuration: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	for _, c := range badFiles {
		f.Add(c.text)
	}
	sample, err := os.ReadFile(samplePath)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(sample))
	f.Fuzz(func(t *testing.T, text string) {
		path := write(t, text)
		c, err := Load(path, Options{Getenv: func(name string) string { return name }, Providers: providers})
		if err != nil {
			if !strings.HasPrefix(err.Error(), path) {
				t.Errorf("the error does not name the file: %v", err)
			}
			return
		}
		for _, s := range c.Sources {
			if err := s.Config(nil).CheckSecrets(); err != nil {
				t.Errorf("%s: %v", s.Where, err)
			}
			if s.Options != nil {
				var into struct {
					Flag bool `yaml:"flag"`
				}
				_ = s.Options(&into)
			}
		}
	})
}
