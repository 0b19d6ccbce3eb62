package schema

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzEncode: whatever a provider says, the message is one, tells the same again, and its headers hold nothing but
// printable ASCII.
func FuzzEncode(f *testing.F) {
	f.Add("1", "login", "42", "ada@example.com", []byte(`{}`))
	f.Add("1\r\nNats-Rollup: all", "a.b>c", "*", "\xff\u2028\x00", []byte(` {"a": 1e999, "a": "\ud800"}`))
	f.Add("a/b", "https://example.com/x#y", "é", "", []byte(`[`+strings.Repeat("[", 200)))
	f.Add(strings.Repeat("x", 300), " ", "\t", "%zz", []byte(`{"password":"a","user":{"password":{"sealed":"x"}}}`))
	f.Fuzz(func(t *testing.T, id, native, user, email string, payload []byte) {
		e := minimal()
		e.ID, e.Native, e.Action, e.Payload = id, native, Other(native), payload
		e.User = &User{ID: user, Email: &email}
		m, err := Wire{Prefix: "identity"}.Encode(e, native)
		if err != nil {
			return
		}
		if m.ID != "acme/"+id || m.Subject != "identity.acme."+string(e.Action) || strings.Count(m.Subject, ".") != 3 {
			t.Errorf("ID %q, subject %q", m.ID, m.Subject)
		}
		header := map[string][]string{}
		for name, value := range m.Header.All() {
			header[name] = append(header[name], value)
			if len(header[name]) != 1 || strings.Trim(name+value, printable()) != "" {
				t.Errorf("header %q: %q", name, header[name])
			}
		}
		got, err := Parse(m.Subject, header, m.Body)
		if err != nil {
			t.Fatalf("parse what was encoded: %v", err)
		}
		if got.ID != id || !bytes.Equal(got.Payload, bytes.TrimSpace(payload)) && !bytes.Equal(got.Payload, payload) {
			t.Errorf("got ID %q and payload %q", got.ID, got.Payload)
		}
		if utf8.ValidString(user) && got.User.ID != user {
			t.Errorf("user: got %q, want %q", got.User.ID, user)
		}
	})
}

// printable is every character that a header value may hold as it is, the blank included.
func printable() string {
	var b strings.Builder
	for c := byte(' '); c < 0x7f; c++ {
		b.WriteByte(c)
	}
	return b.String()
}

// FuzzParse: an event that is read is valid, and is what subject and headers say.
func FuzzParse(f *testing.F) {
	m, err := Wire{Prefix: "identity"}.Encode(minimal(), "")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(m.Subject, "1", "login.succeeded", m.Body)
	f.Add("identity-redrive.otp.acme.login.succeeded", "1", "login.succeeded", m.Body)
	f.Add("identity.other.login.succeeded", "1", "login.succeeded", m.Body)
	f.Add(m.Subject, "%31", "login.failed", bytes.Replace(m.Body, []byte("login"), []byte("logout"), 1))
	f.Add("a.b.c.d.e.f", "", "", []byte(`{"id":"1","id":"2"}`))
	f.Fuzz(func(t *testing.T, subject, id, action string, body []byte) {
		header := map[string][]string{
			HeaderSpecVersion: {"1.0"}, HeaderID: {id}, HeaderType: {action}, HeaderSource: {sourceURN + "acme"},
		}
		e, err := Parse(subject, header, body)
		if err != nil {
			return
		}
		if err := e.Validate(); err != nil {
			t.Errorf("not valid: %v", err)
		}
		plain, err := UnescapeHeader(id)
		if err != nil || e.ID != plain || e.Source != "acme" || !strings.HasSuffix(subject, ".acme."+string(e.Action)) {
			t.Errorf("got %q of %q from %q", e.ID, e.Source, subject)
		}
	})
}

// FuzzOpenSealed: nothing opens but what was sealed, and to nothing else.
func FuzzOpenSealed(f *testing.F) {
	private, public, err := GenerateKey()
	if err != nil {
		f.Fatal(err)
	}
	sealer, err := NewSealer(public)
	if err != nil {
		f.Fatal(err)
	}
	sealed, err := sealer.Seal([]byte("correct horse"))
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{sealed, "", "....", sealed + ".", sealed[:len(sealed)-4] + "AAAA", "eyJhbGciOiJkaXIifQ....", `{"sealed":1}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, compact string) {
		if plain, err := OpenSealed(private, compact); err == nil && string(plain) != "correct horse" {
			t.Errorf("%q opens to %q", compact, plain)
		}
		value, err := json.Marshal(map[string]string{"sealed": compact})
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := Sealed(value); !ok || got != strings.ToValidUTF8(compact, "\ufffd") && utf8.ValidString(compact) {
			t.Errorf("Sealed of %q: got %q, %v", value, got, ok)
		}
	})
}

// FuzzQuarantine: what is put into quarantine comes out again, to the byte.
func FuzzQuarantine(f *testing.F) {
	f.Add("bad JSON", []byte("POST / HTTP/1.1\r\n\r\n{"))
	f.Add("\xff\r\n", []byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, reason string, request []byte) {
		d := Delivery{
			Source: "acme", Provider: "ssofy", Received: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Reason: reason, Request: request,
		}
		m, err := Wire{Prefix: "identity"}.Quarantine(d)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseQuarantine(m.Body)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Request, request) || got.Source != d.Source || !reflect.DeepEqual(got.Received, d.Received) {
			t.Errorf("got %+v", got)
		}
	})
}

// FuzzParseQuarantine: any body either is none, or names a source and an ID of quarantine.
func FuzzParseQuarantine(f *testing.F) {
	f.Add([]byte(`{"id":"quarantine-1","source":"acme","received":"2026-03-01T12:00:00Z","request":{"base64":"AA=="}}`))
	f.Add([]byte(`{"id":1}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if q, err := ParseQuarantine(body); err == nil && (!ValidSource(q.Source) || !strings.HasPrefix(q.ID, quarantinePrefix)) {
			t.Errorf("got %q of %q", q.ID, q.Source)
		}
	})
}
