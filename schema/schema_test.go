package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the golden events anew")

// eventSchema compiles the schema that we publish.
func eventSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(EventSchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	if err := c.AddResource(SchemaID, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(SchemaID)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func validate(s *jsonschema.Schema, body []byte) error {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return s.Validate(document)
}

// golden are events as rich as providers make them, by the name of their file.
func golden() map[string]Event {
	received := time.Date(2026, 3, 1, 12, 0, 0, 31e6, time.UTC)
	text := func(s string) *string { return &s }
	yes := true
	raw := func(s string) json.RawMessage { return json.RawMessage(s) }
	code := requested()
	code.Source, code.Sensitive = "ssofy", nil
	return map[string]Event{
		"minimal.json":       minimal(),
		"otp.requested.json": code,
		"user.created.json": {
			ID: "9d3c", Action: "user.created", Source: "ssofy", Provider: "ssofy", Native: "user_created", Received: received,
			Actor: &Actor{Type: "user"},
			User: &User{
				PreferredUsername: text("ada"), Email: text("ada@example.com"), EmailVerified: &yes, PhoneNumber: text(""),
				GivenName: text("Ada"), FamilyName: text("Lovelace"), Address: &Address{Formatted: text("12 St James's Square\nLondon")},
				Password: raw(`"c0rrect horse"`), Custom: map[string]json.RawMessage{"custom_1": raw(`"one"`), "additional": raw(`{"a": [1]}`)},
			},
			Client:    &Client{IP: "198.51.100.23"},
			Payload:   raw(`{"action":"user_created","payload":{"user":{"username":"ada","password":"c0rrect horse"},"ip":"198.51.100.23"}}`),
			Sensitive: []Member{"**.password"},
		},
		"token.revoked.json": {
			ID: "77aa", Action: "token.revoked", Source: "ssofy", Provider: "ssofy", Native: "token_deleted", Received: received,
			Token:   &Token{Value: raw(`"9f8e7d6c5b4a3928"`), Type: "access_token"},
			Tokens:  []Token{{ID: "t1", GrantType: "authorization_code", Scopes: []string{"openid", "email"}}, {ID: "t2"}},
			Payload: raw(`{"action":"token_deleted","payload":{"token":"9f8e7d6c5b4a3928"}}`),
		},
		"session.revoked.json": {
			ID: "b0c2f1de", Action: "session.revoked", Source: "acme", Provider: "asgardeo", Native: "sessionRevoked",
			Time: received.Add(-time.Second), Received: received, Outcome: Success, Semantics: Notice,
			Actor: &Actor{Type: "admin", ID: "7", Name: "Grace"}, User: &User{ID: "42", Name: text("Ada Lovelace")},
			Session: &Session{ID: "s1"}, Sessions: []Session{{ID: "s1"}, {ID: "s2"}},
			Organization: &Thing{ID: "10084a8d", Name: "acme"}, Application: &Thing{Name: "shop"},
			Applications: []Thing{{Name: "shop"}, {ID: "a2"}}, Reason: "ended by an administrator",
			Client: &Client{IP: "2001:db8::1", UserAgent: `Mozilla/5.0 ("x") <y>`},
			JWS:    "eyJhbGciOiJub25lIn0.e30.", Payload: raw("{\n  \"jti\": \"b0c2f1de\"\n}"),
		},
		"everything.json": {
			ID: "e-1", Action: "scim.member_added", Source: "b2b", Provider: "scalekit", Native: "any", Time: received, Received: received,
			Outcome: Failure, Actor: &Actor{Type: "application", ID: "idp"},
			Credential: &Credential{Type: "fido2-platform", ID: "c1", Name: "laptop"}, Role: &Thing{ID: "r1"}, Group: &Thing{Name: "g"},
			Connection: &Thing{ID: "c"}, Directory: &Thing{ID: "d"}, Domain: &Thing{Name: "example.com"}, Device: &Thing{ID: "v"},
			Consent: &Thing{ID: "n"}, Permission: &Thing{Name: "read:all"}, Members: []User{{ID: "1"}, {ID: "2", Locale: text("en-gb")}},
			Changes: []string{"phone_number", "custom.custom_1"}, Payload: raw(`[{"a":null},1.50,"é"]`),
		},
		"other.json": {
			ID: "o-1", Action: Other("https://schemas.openid.net/secevent/risc/event-type/opt-in"), Source: "set", Provider: "set",
			Native: "https://schemas.openid.net/secevent/risc/event-type/opt-in", Received: received, JWS: "head.claims.signature",
			Payload: raw(`{"events":{"x":{"password":"hush","token":[1]}}}`),
		},
	}
}

func TestGolden(t *testing.T) {
	_, sealer := keys(t)
	wire, s := Wire{Prefix: "identity", Lifetimes: Lifetimes(), Seal: sealer}, eventSchema(t)
	for name, e := range golden() {
		m, err := wire.Encode(e, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := validate(s, m.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := Parse(m.Subject, m.Header.Map(), m.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		checkGolden(t, filepath.Join("testdata", "events", name), m.Body)
	}
}

// checkGolden compares with a file. What is sealed is never the same twice, so the file says "<JWE>" for it.
func checkGolden(t *testing.T, file string, body []byte) {
	t.Helper()
	got := append(sealedValue.ReplaceAll(body, []byte(`{"sealed":"<JWE>"}`)), '\n')
	got = sealedToken.ReplaceAll(got, []byte(`"jws":"<JWE>"`))
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\ngot  %swant %s", file, got, want)
	}
}

func TestEverythingEncodedValidates(t *testing.T) {
	_, sealer := keys(t)
	s := eventSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent().Draw(t, "event")
		if rapid.Bool().Draw(t, "unknown") {
			e.Action = Other(e.Native)
		}
		wire := Wire{Prefix: "identity"}
		if rapid.Bool().Draw(t, "sealed") {
			wire.Seal = sealer
		}
		m, err := wire.Encode(e, "")
		if err != nil {
			t.Fatal(err)
		}
		if err := validate(s, m.Body); err != nil {
			t.Errorf("%v\n%s", err, m.Body)
		}
	})
}

func TestEventSchemaIsTyped(t *testing.T) {
	s := eventSchema(t)
	m, err := Wire{Prefix: "identity"}.Encode(golden()["session.revoked.json"], "")
	if err != nil {
		t.Fatal(err)
	}
	change := func(edit func(map[string]any)) []byte {
		var document map[string]any
		if err := json.Unmarshal(m.Body, &document); err != nil {
			t.Fatal(err)
		}
		edit(document)
		body, err := json.Marshal(document)
		if err != nil {
			t.Fatal(err)
		}
		return body
	}
	if err := validate(s, change(func(d map[string]any) { d["later"] = 1 })); err != nil {
		t.Errorf("a member that is not known: %v", err)
	}
	for member, value := range map[string]any{
		"id": "", "action": "otp", "source": "a.b", "time": "yesterday", "received": "2026-03-01T12:00:00+01:00", "outcome": "maybe",
		"semantics": "wish", "actor": map[string]any{"type": "robot"}, "user": map[string]any{"password": 1}, "token": map[string]any{"value": []any{}},
		"tokens": map[string]any{}, "sessions": []any{map[string]any{}}, "changes": []any{1}, "jws": 1, "client": "x", "reason": 1,
		"members": []any{map[string]any{"email": nil}}, "applications": []any{1}, "domain": "x",
	} {
		if err := validate(s, change(func(d map[string]any) { d[member] = value })); err == nil {
			t.Errorf("%s: %v: accepted", member, value)
		}
	}
	for _, member := range []string{"id", "action", "source", "provider", "native", "time", "received", "outcome", "semantics", "payload"} {
		if err := validate(s, change(func(d map[string]any) { delete(d, member) })); err == nil {
			t.Errorf("without %s: accepted", member)
		}
	}
}

// Every member of the Go type is in the schema, at the same path.
func TestEventSchemaKnowsEveryMember(t *testing.T) {
	var document map[string]any
	if err := json.Unmarshal(EventSchema, &document); err != nil {
		t.Fatal(err)
	}
	checkKnown(t, document, document, reflect.TypeFor[Event](), "")
}

func checkKnown(t *testing.T, document, at map[string]any, typ reflect.Type, path string) {
	if ref, ok := at["$ref"].(string); ok {
		at = document["$defs"].(map[string]any)[strings.TrimPrefix(ref, "#/$defs/")].(map[string]any)
	}
	switch {
	case typ == reflect.TypeFor[time.Time](), typ == reflect.TypeFor[json.RawMessage]():
	case typ.Kind() == reflect.Pointer:
		checkKnown(t, document, at, typ.Elem(), path)
	case typ.Kind() == reflect.Slice:
		checkKnown(t, document, at["items"].(map[string]any), typ.Elem(), path)
	case typ.Kind() == reflect.Struct:
		properties := at["properties"].(map[string]any)
		for i := range typ.NumField() {
			name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
			if name == "-" {
				continue
			}
			property, ok := properties[name].(map[string]any)
			if !ok {
				t.Errorf("%s.%s: not in the schema", path, name)
				continue
			}
			checkKnown(t, document, property, typ.Field(i).Type, path+"."+name)
		}
	}
}
