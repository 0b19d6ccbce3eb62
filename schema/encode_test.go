package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// minimal is the least that a provider must say.
func minimal() Event {
	return Event{
		ID: "1", Action: "login.succeeded", Source: "acme", Provider: "ssofy", Native: "n",
		Received: time.Date(2026, 3, 1, 12, 0, 0, 31e6, time.UTC), Payload: json.RawMessage(`{}`),
	}
}

func TestParseIsTheInverseOfEncode(t *testing.T) {
	wire := Wire{Prefix: "identity", Lifetimes: Lifetimes()}
	rapid.Check(t, func(t *rapid.T) {
		want := anyEvent().Draw(t, "event")
		m, err := wire.Encode(want, traceparent)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(m.Body, want.Payload) {
			t.Errorf("payload %s: not as it came in %s", want.Payload, m.Body)
		}
		got, err := Parse(m.Subject, m.Header.Map(), m.Body)
		if err != nil {
			t.Fatalf("%v: %s", err, m.Body)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v\nwant %+v\nbody %s", got, want, m.Body)
		}
	})
}

func TestBodyIsWhatTheTagsSay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := anyEvent().Draw(t, "event")
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(e); err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		if err := json.Compact(&got, appendEvent(nil, &e)); err != nil {
			t.Fatal(err)
		}
		// encoding/json escapes line separators and has short forms for two more controls; we write neither.
		unify := strings.NewReplacer(`\u2028`, "\u2028", `\u2029`, "\u2029", `\b`, `\u0008`, `\f`, `\u000C`, "\n", "")
		a, b := unify.Replace(got.String()), unify.Replace(want.String())
		if !strings.EqualFold(a, b) {
			t.Errorf("got  %s\nwant %s", a, b)
		}
	})
}

func TestEncodeKeepsBytes(t *testing.T) {
	e := minimal()
	e.Reason = "<b> & \"quotes\" / \\ \x01 é"
	e.Payload = json.RawMessage("{\n  \"a\" : 1.0e0, \"a\":\"\\u003c<\"\n}\n")
	m, err := Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"reason":"<b> & \"quotes\" / \\ \u0001 é"`, `"payload":` + string(e.Payload) + `}`} {
		if !strings.Contains(string(m.Body), want) {
			t.Errorf("%s: not in %s", want, m.Body)
		}
	}
}

func TestEncodeHeaders(t *testing.T) {
	e := minimal()
	e.ID, e.Native, e.Action = "a b\r\n", "otp requested %", "otp.requested"
	e.Semantics, e.User = Command, &User{ID: "ünï/42"}
	e.Time = time.Date(2026, 3, 1, 13, 0, 0, 1, time.FixedZone("CET", 3600))
	e.Received = e.Received.Add(999 * time.Microsecond)
	m, err := Wire{Prefix: "identity", Lifetimes: Lifetimes()}.Encode(e, traceparent)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{
		"Nats-Msg-Id":        {"acme/a%20b%0D%0A"},
		"ce-specversion":     {"1.0"},
		"ce-id":              {"a%20b%0D%0A"},
		"ce-type":            {"otp.requested"},
		"ce-time":            {"2026-03-01T12:00:00.000000001Z"},
		"ce-source":          {"urn:forebay:acme"},
		"ce-subject":         {"%C3%BCn%C3%AF/42"},
		"ce-datacontenttype": {"application/json"},
		"ce-dataschema":      {"urn:forebay:schema:event:1"},
		"ce-provider":        {"ssofy"},
		"ce-nativeaction":    {"otp%20requested%20%25"},
		"ce-receivedtime":    {"2026-03-01T12:00:00.031Z"},
		"ce-outcome":         {"unknown"},
		"traceparent":        {traceparent},
		"Nats-TTL":           {"10m0s"},
	}
	if !reflect.DeepEqual(m.Header.Map(), want) {
		t.Errorf("got %q\nwant %q", m.Header, want)
	}
	if m.ID != "acme/a b\r\n" || m.Subject != "identity.acme.otp.requested" || m.Source != "acme" || m.Action != "otp.requested" {
		t.Errorf("got %+v", m)
	}
}

func TestEncodeLeavesOutEmptyHeaders(t *testing.T) {
	e := minimal()
	e.Provider, e.Native, e.User = "", "", &User{}
	m, err := Wire{Prefix: "identity", Lifetimes: map[Action]time.Duration{"login.succeeded": 0}}.Encode(e, "stranger\r\n")
	if err != nil {
		t.Fatal(err)
	}
	got := slices.Sorted(maps.Keys(m.Header.Map()))
	want := []string{
		"Nats-Msg-Id", "ce-datacontenttype", "ce-dataschema", "ce-id", "ce-outcome", "ce-receivedtime", "ce-source",
		"ce-specversion", "ce-time", "ce-type",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestEncodeFillsIn(t *testing.T) {
	for _, c := range []struct {
		action    Action
		semantics Semantics
		want      Outcome
	}{
		{"login.succeeded", "", Success},
		{"login.failed", "", Failure},
		{"otp.send_failed", Notice, Failure},
		{"login.blocked", "", Failure},
		{"otp.requested", Command, Unknown},
	} {
		e := minimal()
		e.Action, e.Semantics = c.action, c.semantics
		m, err := Wire{Prefix: "identity"}.Encode(e, "")
		if err != nil {
			t.Fatal(err)
		}
		got, err := Parse(m.Subject, m.Header.Map(), m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got.Outcome != c.want || got.Semantics == "" || !got.Time.Equal(e.Received) {
			t.Errorf("%s: got %q, %q, %v", c.action, got.Outcome, got.Semantics, got.Time)
		}
	}
}

// Each case holds "hush" where it can, which must not turn up in the error.
func TestEncodeNamesTheMember(t *testing.T) {
	far := time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)
	for member, spoil := range map[string]func(*Event){
		"id: missing":                 func(e *Event) { e.ID = "" },
		"id: longer":                  func(e *Event) { e.ID = strings.Repeat("hush", 129) },
		"id: not valid UTF-8":         func(e *Event) { e.ID = "hush\xff" },
		"action":                      func(e *Event) { e.Action = "hush.*" },
		"source":                      func(e *Event) { e.Source = "hush.>" },
		"received: missing":           func(e *Event) { e.Received = time.Time{} },
		"received: not":               func(e *Event) { e.Received = far },
		"time: not":                   func(e *Event) { e.Time = far },
		"outcome":                     func(e *Event) { e.Outcome = "hush" },
		"semantics":                   func(e *Event) { e.Semantics = "hush" },
		"actor.type":                  func(e *Event) { e.Actor = &Actor{Type: "hush"} },
		"user.password: not a string": func(e *Event) { e.User = &User{Password: json.RawMessage(`{"hush":1}`)} },
		"user.password: not one":      func(e *Event) { e.User = &User{Password: json.RawMessage(`"hush`)} },
		"user.custom":                 func(e *Event) { e.User = &User{Custom: map[string]json.RawMessage{"hush": nil}} },
		"members.password":            func(e *Event) { e.Members = []User{{Password: json.RawMessage(`null`)}} },
		"token.value":                 func(e *Event) { e.Token = &Token{Value: json.RawMessage(`17`)} },
		"tokens.value":                func(e *Event) { e.Tokens = []Token{{}, {Value: json.RawMessage(`[]`)}} },
		"payload: not one":            func(e *Event) { e.Payload = json.RawMessage(`{"hush":}`) },
		"payload: not valid UTF-8":    func(e *Event) { e.Payload = json.RawMessage("\"hush\xff\"") },
		"payload: nested":             func(e *Event) { e.Payload = json.RawMessage(strings.Repeat("[", 300)) },
		"headers of":                  func(e *Event) { e.Native = strings.Repeat("hush", 9<<10) },
		"sensitive member":            func(e *Event) { e.Sensitive = []Member{"hush..password"} },
	} {
		e := minimal()
		spoil(&e)
		_, err := Wire{Prefix: "identity"}.Encode(e, "")
		if err == nil || !strings.HasPrefix(err.Error(), "encode event: "+member) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: got %v", member, err)
		}
	}
}

func TestEncodeChecksMaxBytes(t *testing.T) {
	e := minimal()
	m, err := Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	// What nats.go writes, counted by other means.
	var text bytes.Buffer
	if err := http.Header(m.Header.Map()).Write(&text); err != nil {
		t.Fatal(err)
	}
	size := int64(len("NATS/1.0\r\n") + text.Len() + len("\r\n") + len(m.Body))
	if _, err := (Wire{Prefix: "identity", MaxBytes: size}).Encode(e, ""); err != nil {
		t.Errorf("%d of %d bytes: %v", size, size, err)
	}
	if _, err := (Wire{Prefix: "identity", MaxBytes: size - 1}).Encode(e, ""); !errors.Is(err, errTooLarge) {
		t.Errorf("%d of %d bytes: got %v", size, size-1, err)
	}
}

// A stored is a message as a client of NATS has it.
type stored struct {
	Message
	Header map[string][]string
}

func TestParseIsStrict(t *testing.T) {
	good := func() stored {
		m, err := Wire{Prefix: "identity"}.Encode(minimal(), "")
		if err != nil {
			t.Fatal(err)
		}
		return stored{m, m.Header.Map()}
	}
	for name, spoil := range map[string]func(*stored){
		"subject of another source": func(m *stored) { m.Subject = "identity.other.login.succeeded" },
		"subject of another action": func(m *stored) { m.Subject = "identity.acme.login.failed" },
		"subject of five tokens":    func(m *stored) { m.Subject += ".x" },
		"no headers":                func(m *stored) { m.Header = nil },
		"specversion":               func(m *stored) { m.Header[HeaderSpecVersion] = []string{"0.3"} },
		"another id":                func(m *stored) { m.Header[HeaderID] = []string{"2"} },
		"two ids":                   func(m *stored) { m.Header[HeaderID] = []string{"1", "1"} },
		"unescaped id":              func(m *stored) { m.Header[HeaderID] = []string{"%"} },
		"another type":              func(m *stored) { m.Header[HeaderType] = []string{"login.failed"} },
		"another source":            func(m *stored) { m.Header[HeaderSource] = []string{"acme"} },
		"empty body":                func(m *stored) { m.Body = nil },
		"body not an object":        func(m *stored) { m.Body = []byte(`[]`) },
		"two bodies":                func(m *stored) { m.Body = append(m.Body, m.Body...) },
		"no outcome":                func(m *stored) { m.Body = bytes.Replace(m.Body, []byte(`"outcome"`), []byte(`"x"`), 1) },
		"no payload":                func(m *stored) { m.Body = bytes.Replace(m.Body, []byte(`"payload"`), []byte(`"x"`), 1) },
		"id of the wrong type":      func(m *stored) { m.Body = bytes.Replace(m.Body, []byte(`"id":"1"`), []byte(`"id":1`), 1) },
		"invalid UTF-8":             func(m *stored) { m.Body = bytes.Replace(m.Body, []byte(`"n"`), []byte("\"\xff\""), 1) },
	} {
		m := good()
		spoil(&m)
		if _, err := Parse(m.Subject, m.Header, m.Body); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestParseIgnoresWhatItDoesNotKnow(t *testing.T) {
	m, err := Wire{Prefix: "identity"}.Encode(minimal(), "")
	if err != nil {
		t.Fatal(err)
	}
	m.Body = bytes.Replace(m.Body, []byte(`{`), []byte(`{"later": {"x": [1]},`), 1)
	header := m.Header.Map()
	header["ce-later"] = []string{"%"}
	header[HeaderMsgID] = []string{"redrive-1"} // a copy has one of its own
	m.Subject = "identity-redrive.audit.acme.login.succeeded"
	if _, err := Parse(m.Subject, header, m.Body); err != nil {
		t.Error(err)
	}
}
