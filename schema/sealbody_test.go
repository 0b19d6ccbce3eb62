package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestEncodeSeals(t *testing.T) {
	private, sealer := keys(t)
	for name, c := range map[string]struct {
		action    Action
		sensitive []Member
		payload   string
		left      string   // the payload with … for each sealed value
		plain     []string // what they hold
	}{
		"by path":          {"a.b", []Member{"payload.a.b"}, `{"a":{"b":"x","c":"y"},"b":"z"}`, `{"a":{"b":…,"c":"y"},"b":"z"}`, []string{"x"}},
		"at any depth":     {"a.b", []Member{"**.b"}, `{"b":1,"c":{"b":"x"}}`, `{"b":…,"c":{"b":…}}`, []string{"1", "x"}},
		"below a member":   {"a.b", []Member{"payload.a.**.b"}, `{"b":1,"a":{"b":2,"c":{"d":{"b":3}}}}`, `{"b":1,"a":{"b":…,"c":{"d":{"b":…}}}}`, []string{"2", "3"}},
		"two at once":      {"a.b", []Member{"payload.**.a.**.b", "**.c"}, `{"x":{"a":{"b":1,"c":2}},"b":3}`, `{"x":{"a":{"b":…,"c":…}},"b":3}`, []string{"1", "2"}},
		"repeated names":   {"a.b", []Member{"**.password"}, `{"password":"x","password" : "y" }`, `{"password":…,"password" : … }`, []string{"x", "y"}},
		"escaped names":    {"a.b", []Member{"**.password"}, `{"pass\u0077ord":"x"}`, `{"pass\u0077ord":…}`, []string{"x"}},
		"inside arrays":    {"a.b", []Member{"payload.password"}, `[[{"password":"x"}],{"password":["y",1]}]`, `[[{"password":…}],{"password":…}]`, []string{"x", `["y",1]`}},
		"an element":       {"a.b", []Member{"payload.a.#1.b"}, `{"a":[{"b":1},{"b":2,"c":3},{"b":4}],"b":[5,{"b":6}],"#1":{"b":7}}`, `{"a":[{"b":1},{"b":…,"c":3},{"b":4}],"b":[5,{"b":6}],"#1":{"b":7}}`, []string{"2"}},
		"whole elements":   {"a.b", []Member{"payload.**.#10", "payload.b.#0"}, `{"a":[0,1,2,3,4,5,6,7,8,9,{"x":1},11],"b":["y",2]}`, `{"a":[0,1,2,3,4,5,6,7,8,9,…,11],"b":[…,2]}`, []string{`{"x":1}`, "y"}},
		"arrays in arrays": {"a.b", []Member{"payload.a.#1.b"}, `{"a":[[{"b":1},{"b":2}],{"b":3},[[4,{"b":5}]]]}`, `{"a":[[{"b":1},{"b":…}],{"b":…},[[4,{"b":…}]]]}`, []string{"2", "3", "5"}},
		"whatever type":    {"a.b", []Member{"payload.a"}, `[{"a":null},{"a":{"b": 1.0}},{"a":false},{"a":""}]`, `[{"a":…},{"a":…},{"a":…},{"a":…}]`, []string{"null", `{"b": 1.0}`, "false", ""}},
		"decoded text":     {"a.b", []Member{"payload.a"}, `{"a":"\u00e9\n\"<\ud83d\ude00"}`, `{"a":…}`, []string{"é\n\"<😀"}},
		"other words only": {"a.b", []Member{"**.password"}, `{"Password":1,"passwords":2,"x":"password"}`, `{"Password":1,"passwords":2,"x":"password"}`, nil},
		"unknown events":   {"other.x", nil, `{"password":"x","a":[{"token":"y"}],"t":1}`, `{"password":…,"a":[{"token":…}],"t":1}`, []string{"x", "y"}},
		"known events":     {"a.b", nil, `{"password":"x","token":"y"}`, `{"password":"x","token":"y"}`, nil},
		"whole payload":    {"a.b", []Member{"payload"}, `"x"`, `…`, []string{"x"}},
		"scalar payload":   {"other.x", nil, `17`, `17`, nil},
	} {
		e := minimal()
		e.Action, e.Sensitive, e.Payload = c.action, c.sensitive, json.RawMessage(c.payload)
		m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_, payload, _ := strings.Cut(string(m.Body), `"payload":`)
		if got := sealedValue.ReplaceAllString(payload, "…"); got != c.left+"}" {
			t.Errorf("%s: got %s, want %s", name, got, c.left)
		}
		if got := openAll(t, private, m.Body); !slices.Equal(got, c.plain) {
			t.Errorf("%s: opened %q, want %q", name, got, c.plain)
		}
	}
}

func TestEncodeSealsTheCommonPart(t *testing.T) {
	private, sealer := keys(t)
	e := minimal()
	e.Token = &Token{Value: json.RawMessage(`"tmp_1"`), Type: "action"}
	e.User = &User{Password: json.RawMessage(`"c0rrect horse"`), Custom: map[string]json.RawMessage{"a": json.RawMessage(`{"password":1}`)}}
	e.Payload = json.RawMessage(`{"password":"c0rrect\u0020horse","token":"tmp_1"}`)
	e.Sensitive = []Member{"**.password", "payload.token", "token.value"}
	m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := openAll(t, private, m.Body), []string{"c0rrect horse", "1", "tmp_1", "c0rrect horse", "tmp_1"}; !slices.Equal(got, want) {
		t.Errorf("opened %q, want %q in %s", got, want, m.Body)
	}
	got, err := Parse(m.Subject, m.Header.Map(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	compact, ok := Sealed(got.User.Password)
	if h := protected(t, compact); !ok || h["cty"] != nil {
		t.Errorf("user.password: %s, header %v", got.User.Password, h)
	}
	if !bytes.Contains(got.Payload, got.User.Password) {
		t.Error("equal values do not share a JWE")
	}
	var claim struct{ Password json.RawMessage }
	if err := json.Unmarshal(got.User.Custom["a"], &claim); err != nil {
		t.Fatal(err)
	}
	if compact, _ := Sealed(claim.Password); protected(t, compact)["cty"] != "json" {
		t.Errorf("a number: header %v", protected(t, compact))
	}
}

func TestEncodeSealsAPasswordThatNobodyDeclared(t *testing.T) {
	private, sealer := keys(t)
	e := minimal()
	e.User = &User{Password: json.RawMessage(`"x"`)}
	m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := openAll(t, private, m.Body); !slices.Equal(got, []string{"x"}) {
		t.Errorf("opened %q in %s", got, m.Body)
	}
}

func TestEncodeSealsTheSignedTokenToo(t *testing.T) {
	private, sealer := keys(t)
	e := minimal()
	e.Action, e.JWS, e.Payload = "other.x", "head.claims.signature", json.RawMessage(`{"password":"x"}`)
	for _, c := range []struct {
		payload string
		sealed  bool
	}{{`{"password":"x"}`, true}, {`{"nothing":"x"}`, false}} {
		e.Payload = json.RawMessage(c.payload)
		m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(m.Subject, m.Header.Map(), m.Body)
		if err != nil {
			t.Fatal(err)
		}
		jws := got.JWS
		if c.sealed {
			plain, err := OpenSealed(private, got.JWS)
			if err != nil {
				t.Fatal(err)
			}
			jws = string(plain)
		}
		if jws != e.JWS || strings.Contains(string(m.Body), e.JWS) == c.sealed {
			t.Errorf("%s: jws %q", c.payload, got.JWS)
		}
	}
}

func TestEncodeRefusesToSealTypedMembers(t *testing.T) {
	_, sealer := keys(t)
	e := minimal()
	e.User, e.Token = &User{ID: "42"}, &Token{ID: "1"}
	for _, m := range []Member{"user.id", "token", "**.id", "id"} {
		e.Sensitive = []Member{m}
		if _, err := (Wire{Prefix: "identity", Seal: sealer}).Encode(e, ""); err == nil {
			t.Errorf("%s: accepted", m)
		}
	}
}

func TestEncodeWithoutSealerLeavesClear(t *testing.T) {
	e := minimal()
	e.Action, e.Payload = "other.x", json.RawMessage(`{"password":"x"}`)
	m, err := Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil || !bytes.Contains(m.Body, e.Payload) {
		t.Errorf("got %s, %v", m.Body, err)
	}
}

func TestSealingStopsAtTheLimit(t *testing.T) {
	_, sealer := keys(t)
	body := []byte("[" + strings.Repeat("1,", 100) + "1]")
	var spans []span
	for i := range 100 {
		body[1+2*i] = byte('0' + i%10)
		spans = append(spans, span{start: 1 + 2*i, end: 2 + 2*i})
	}
	s := bodySealer{sealer: sealer, known: make(map[secret]string), limit: 1024}
	if _, err := s.replace(body, spans); !errors.Is(err, errTooLarge) || len(s.known) > 4 {
		t.Errorf("got %v after %d values", err, len(s.known))
	}
}

func TestMemberPaths(t *testing.T) {
	for m, ok := range map[Member]bool{
		"a": true, "a.b": true, "**.a": true, "a.**.b": true, "**.**.a": true, Member(strings.Repeat("a.", 63) + "a"): true,
		"": false, ".": false, "a.": false, ".a": false, "a..b": false, "**": false, "a.**": false, Member(strings.Repeat("a.", 64) + "a"): false,
	} {
		if err := new(matcher).add(m); (err == nil) != ok {
			t.Errorf("%.20q: got %v, want ok %v", m, err, ok)
		}
	}
}

// Where every member by a path can hold a sealed value, and only there, an event with it can be encoded.
func TestSealable(t *testing.T) {
	for m, want := range map[Member]bool{
		"payload": true, "payload.a": true, "payload.**.a": true, "jws": true, "user.password": true, "token.value": true,
		"user.custom.plan": true, "user.custom.**.plan": true, "members.#0.password": true, "tokens.value": true,
		"": false, "a": false, "data.code": false, "**.email": false, "**.payload": false, "user": false, "user.email": false,
		"user.**.plan": false, "user.custom": false, "jws.a": false, "payloads": false, "token.**.value": false,
	} {
		if got := m.Sealable(); got != want {
			t.Errorf("%s: got %t, want %t", m, got, want)
		}
	}
}

// What is sealed depends on names alone: here everything by the name of password or token, as in unknown events.
func FuzzSealAnyPayload(f *testing.F) {
	private, sealer := keys(f)
	for _, s := range []string{
		`{"password":"x"}`, `{"pass\u0077ord":null,"password":[{"password":1}]}`, `[[{"token":{}},{"a":{"token":"\ud800"}}]]`,
		`{"":{"password" :	-1e5	}}`, `"password"`, ` [ ] `,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e := minimal()
		e.Action, e.Payload = "other.x", payload
		m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
		if err != nil {
			if checkJSON(payload) == nil {
				t.Errorf("%q: %v", payload, err)
			}
			return
		}
		d := json.NewDecoder(bytes.NewReader(m.Body))
		d.UseNumber()
		checkSealed(t, d, private)
	})
}

// checkSealed reads one value and complains of every password and token in it that is not sealed. It shares nothing with
// the code that seals: it reads token by token, so that repeated names show.
func checkSealed(t *testing.T, d *json.Decoder, private []byte) {
	open, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := open.(json.Delim); !ok {
		return
	}
	for d.More() {
		if open == json.Delim('{') {
			name, err := d.Token()
			if err != nil {
				t.Fatal(err)
			}
			if name == "password" || name == "token" {
				checkOpens(t, d, private)
				continue
			}
		}
		checkSealed(t, d, private)
	}
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
}

func checkOpens(t *testing.T, d *json.Decoder, private []byte) {
	var value json.RawMessage
	if err := d.Decode(&value); err != nil {
		t.Fatal(err)
	}
	compact, ok := Sealed(value)
	if _, err := OpenSealed(private, compact); !ok || err != nil {
		t.Errorf("%s: not sealed, or does not open: %v", value, err)
	}
}

// After sealing the secret is nowhere, and all other bytes are as they were.
func FuzzSealSecret(f *testing.F) {
	private, sealer := keys(f)
	f.Add("c0rrect horse", "decoy")
	f.Add("\"}],\\", `","password":"`)
	f.Add("\x00\xff", "{")
	f.Fuzz(func(t *testing.T, secret, decoy string) {
		secret = "s3cret:" + strings.ToValidUTF8(secret, "\uFFFD")
		if decoy == "password" || strings.Contains(decoy, secret) {
			return // then it is none
		}
		word, other := string(appendText(nil, secret)), string(appendText(nil, decoy))
		const template = ` {"a":[D,{"password":S}],D:D,"b":{"password" : [S, D] ,"password":S,"c":{"pass\u0077ord":{"k":S}}}} `
		e := minimal()
		e.User = &User{Password: json.RawMessage(word)}
		e.Sensitive = []Member{"**.password"}
		fill := func(s string) string { return strings.NewReplacer("S", word, "D", other).Replace(s) }
		e.Payload = json.RawMessage(fill(template))
		m, err := Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(m.Body) || bytes.Contains(m.Body, []byte(secret)) || bytes.Contains(m.Body, []byte(word[1:len(word)-1])) {
			t.Fatalf("not JSON, or the secret is in it: %s", m.Body)
		}
		_, payload, _ := strings.Cut(string(m.Body), `"payload":`)
		want := fill(` {"a":[D,{"password":…}],D:D,"b":{"password" : … ,"password":…,"c":{"pass\u0077ord":…}}} }`)
		if got := sealedValue.ReplaceAllString(payload, "…"); got != sealedValue.ReplaceAllString(want, "…") {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if got, want := openAll(t, private, m.Body)[0], secret; got != want {
			t.Errorf("opened %q, want %q", got, want)
		}
	})
}
