package generic_test

import (
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/generic"
)

func TestRefusesVerifiers(t *testing.T) {
	const jwt = "jwt: {in: body, jwks_url: \"https://keys.example.com\", algorithms: [RS256]"
	for _, c := range []struct{ name, verify, want string }{
		{"none", "", "no verifier"},
		{"two at once", "hmac: {headers: [X]}, network: {cidrs: [10.0.0.0/8]}", "several verifiers at once"},
		{"unknown", "hmacs: {headers: [X]}", "unknown key"},
		{"empty all_of", "all_of: []", "all_of: empty"},
		{"empty any_of", "any_of: []", "any_of: empty"},
		{"empty node", "all_of: [{}]", "all_of: [1]: no verifier"},

		{"template without body", `hmac: {headers: [X], form: kv, time_unit: s, signed: "{t}."}`, "without {body}"},
		{"template with braces", `hmac: {headers: [X], signed: "{body"}`, "braces do not pair up"},
		{"template with a closing brace", `hmac: {headers: [X], signed: "}{body}"}`, "braces do not pair up"},
		{"template with an unknown word", `hmac: {headers: [X], signed: "{url}{body}"}`, "not body, t or header:NAME"},
		{"no unit", `hmac: {headers: [X], form: kv, signed: "{t}.{body}"}`, "time_unit"},
		{"unknown unit", `hmac: {headers: [X], form: kv, time_unit: us, signed: "{t}.{body}"}`, "time_unit"},
		{"no place of the time", `hmac: {headers: [X], time_unit: s, signed: "{t}.{body}"}`, "time_header"},
		{"time is not signed", `hmac: {headers: [X], time_header: X-Time}`, "the time is not signed"},
		{"tolerance without a time", `hmac: {headers: [X], tolerance: 5m}`, "the time is not signed"},
		{"tolerance", `hmac: {headers: [X], form: kv, time_unit: s, tolerance: 5ms, signed: "{t}{body}"}`, "below the unit"},
		{"no header", "hmac: {}", "headers: none"},
		{"empty header", "hmac: {headers: ['']}", "headers: none, or one is empty"},
		{"hash", "hmac: {headers: [X], hash: md5}", "hash: not"},
		{"form", "hmac: {headers: [X], form: stripe}", "form: not"},
		{"encoding", "hmac: {headers: [X], encoding: base32}", "encoding: not"},
		{"same names", "hmac: {headers: [X], form: kv, time_key: s, signature_key: s}", "signature_key"},
		{"key encoding", "hmac: {headers: [X], key_encoding: utf-16}", "key_encoding: not"},
		{"key is not hex", "hmac: {headers: [X], key_encoding: hex}", "one is not hex"},
		{"key is not base64", "hmac: {headers: [X], key_encoding: base64}", "one is not base64"},
		{"key without its prefix", "hmac: {headers: [X], key_prefix: whsec_}", "key_prefix"},
		{"empty key behind the prefix", "hmac: {headers: [X], key_prefix: a-secret}", "an empty key"},
		{"secret by number", "hmac: {headers: [X], secrets: [2]}", "none with the number 2"},
		{"secret number 0", "hmac: {headers: [X], secrets: [0]}", "none with the number 0"},
		{"no secret of the source", "hmac: {headers: [X], secrets: []}", "secrets: empty"},

		{"standard webhooks, malformed key", "standard-webhooks: {}", "secrets"},
		{"http signature without public_url", "http-signature: {}", "public_url"},
		{"http signature without digest", "http-signature: {components: [\"@method\"]}", ""},

		{"bearer, not opted in", "credential: {in: bearer}", "unsigned: true"},
		{"header, not opted in", "credential: {in: header, name: X-Token}", "unsigned: true"},
		{"bearer among any_of", "any_of: [{hmac: {headers: [X], secrets: [1]}}, {credential: {in: bearer, secrets: [1]}}]", "unsigned: true"},
		{"bearer and network", "all_of: [{credential: {in: bearer}}, {network: {cidrs: [10.0.0.0/8]}}]", "unsigned: true"},
		{"credential, unknown place", "credential: {in: cookie, unsigned: true}", "in: not"},
		{"credential without a name", "credential: {in: query, unsigned: true}", "name: missing"},
		{"credential, no pointer", "credential: {in: member, name: token, unsigned: true}", "begins with /"},
		{"basic without a colon", "credential: {in: basic, unsigned: true}", "user:password"},

		{"network alone", "network: {cidrs: [10.0.0.0/8]}", "nothing proves"},
		{"mtls alone", "mtls: {}", "nothing proves"},
		{"mtls and network", "all_of: [{mtls: {}}, {network: {cidrs: [10.0.0.0/8]}}]", "nothing proves"},
		{"network without cidrs", "network: {}", "cidrs: none"},
		{"network, no prefix", "network: {cidrs: [10.0.0.1]}", "cidrs"},
		{"pin", "mtls: {pins: [AAAA]}", "pins"},
		{"empty name", "mtls: {names: ['']}", "names"},

		{"jwt without a place", "jwt: {jwks_url: \"https://keys.example.com\", algorithms: [RS256]}", "in: not"},
		{"jwt without algorithms", "jwt: {in: body, jwks_url: \"https://keys.example.com\"}", "algorithms: none"},
		{"jwt, alg none", "jwt: {in: body, jwks_url: \"https://keys.example.com\", algorithms: [none]}", `"none" is not known`},
		{"jwt without keys", "jwt: {in: body, algorithms: [RS256]}", "key set: want a URL or a file"},
		{"jwt, http", "jwt: {in: body, jwks_url: \"http://keys.example.com\", algorithms: [RS256]}", "use https"},
		{"jwt, no URL", "jwt: {in: body, jwks_url: keys, algorithms: [RS256]}", "not an absolute https URL"},
		{"jwt, no file", "jwt: {in: body, jwks_file: none.json, algorithms: [RS256]}", "jwks_file"},
		{"jwt, both kinds of keys", "jwt: {in: body, jwks_url: \"https://keys.example.com\", algorithms: [HS256]}", "only with a shared secret"},
		{"jwt, both kinds of algorithms", "jwt: {in: body, algorithms: [HS256, RS256]}", "only with a shared secret"},
		{"jwt in a header without a hash", "jwt: {in: header, jwks_url: \"https://keys.example.com\", algorithms: [RS256]}", "body_hash: missing"},
		{"jwt hash without encoding", "jwt: {in: header, jwks_url: \"https://keys.example.com\", algorithms: [RS256], body_hash: {claim: h}}", "body_hash: encoding"},
		{"jwt with a hash of itself", jwt + ", body_hash: {claim: h, encoding: hex}}", "only for a token in a header"},
		{"jwt, member", jwt + ", member: /t}", "member:"},
		{"jwt, exp", jwt + ", exp: maybe}", "exp: not"},
		{"jwt, secret that nobody takes", jwt + "}", "that no verifier takes"},
		{"two tokens", "any_of: [{" + jwt + "}}, {hmac: {headers: [X]}}]", "two sources"},
		{"two takers", "any_of: [{hmac: {headers: [X]}}, {hmac: {headers: [Y]}}]", "say in each which"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := build(t, minimal(c.verify), "a-secret", noon)
			wantError(t, err, c.want)
		})
	}
}

func wantError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Fatalf("got %v, want an error with %q", err, want)
	}
	if strings.Contains(strings.ReplaceAll(err.Error(), "secrets: [", ""), "a-secret") {
		t.Errorf("the error repeats the secret: %v", err)
	}
}

func TestRefusesOptions(t *testing.T) {
	for _, c := range []struct{ name, options, want string }{
		{"pointer", "id: data/id", "id: want a pointer"},
		{"tilde", "id: /a~2", "id: a ~ in a pointer"},
		{"every element", "id: /a/*/b", "names one value"},
		{"braces", `id: "{/a}:{/b"`, "braces"},
		{"empty braces", `id: "{}"`, "nothing, or a brace"},
		{"words in braces", `id: "{a}"`, "begins with /"},
		{"empty text", "id: 'text:'", "text: is empty"},
		{"header", "id: 'header:'", "wants the name"},
		{"empty alternative", "id: '/a | '", "want a pointer"},
		{"condition", "id: /a if /b", "a condition is written"},
		{"condition on nothing", "id: /a if b is c", "begins with /"},
		{"time format", "time_format: us", "time_format"},
		{"batch with one ID", "events: /data\n      id: header:X-Id", "the same for all events"},
		{"batch, pointer", "events: data", "begins with /"},
		{"member", "members: {user.mail: /a}", "user.mail: no member"},
		{"member of the top", "members: {action: /a}", "action: no member"},
		{"jws", "members: {jws: /a}", "jws: no member"},
		{"payload", "members: {payload.x: /a}", "payload.x: no member"},
		{"object", "members: {user.address: /a}", "no member that can be filled"},
		{"password", "members: {user.password: /a}", "no member that can be filled"},
		{"token", "members: {token.value: /a}", "no member that can be filled"},
		{"subject as member", "members: {user.id: /a}", "write subject"},
		{"tenant as member", "members: {organization.id: /a}", "write tenant"},
		{"empty member", "members: {user.email: ''}", "user.email: empty"},
		{"actor", "members: {actor.id: /a}", "actor.type"},
		{"action", "actions: {a: user.craeted}", `"user.craeted" is no action`},
		{"action without a name", "actions: {'': user.created}", "no native action"},
		{"star", "actions: {a: user.*}", "stands for the one *"},
		{"outcome without values", "outcome: {from: /a}", "outcome: want from"},
		{"outcome without from", "outcome: {failure: [x]}", "outcome: want from"},
		{"command", "commands: [otp.request]", "is no action"},
		{"sensitive", "sensitive: ['payload..x']", "sensitive"},
		{"sensitive, without payload", "sensitive: [data.code]", `"data.code": only payload, user.custom.NAME`},
		{"sensitive, anywhere", "members: {user.email: /m}\n      sensitive: ['**.email']", "write payload.**.email"},
		{"sensitive, of the common part", "sensitive: [user.email]", "can be sealed"},
		{"sensitive, all of the custom claims", "sensitive: [user.custom]", "can be sealed"},
		{"method in lower case", "methods: [post]", `methods: "post": write it in upper case`},
		{"methods without a delivery", "methods: [GET, HEAD]", "methods: GET and HEAD carry no events"},
		{"content type with parameters", "content_types: ['application/json; charset=utf-8']", "content_types: "},
		{"content type in upper case", "content_types: [application/JSON]", "content_types: "},
		{"content type of any kind", "content_types: ['*/*']", "content_types: "},
		{"content type without its kind", "content_types: [json]", "content_types: "},
		{"answer", "answer: xml", "answer: not"},
		{"topics", "handshake: {websub: {}}", "topics: none"},
		{"origins", "handshake: {cloudevents: {}}", "origins: none"},
		{"unknown", "typ: /x", "unknown key"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := build(t, minimal("hmac: {headers: [X]}")+"      "+c.options+"\n", "a-secret", noon)
			wantError(t, err, c.want)
		})
	}
	_, err := build(t, strings.Replace(minimal("hmac: {headers: [X]}"), "      type: /type\n", "", 1), "s", noon)
	wantError(t, err, "type: missing")
}

func TestRefusesToStartWithoutOptions(t *testing.T) {
	_, err := generic.New(provider.Config{Secrets: []string{"s"}})
	wantError(t, err, "no options")
	for _, secrets := range [][]string{nil, {}, {""}, {"a", ""}} {
		c, err := source(t, minimal("hmac: {headers: [X]}"), "s", noon)
		if err != nil {
			t.Fatal(err)
		}
		c.Secrets = secrets
		if _, err := generic.New(c); err == nil {
			t.Errorf("New with secrets %q: no error", secrets)
		}
	}
}
