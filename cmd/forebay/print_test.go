package main

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/forebayhq/forebay/schema"
)

func TestPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "",
		"Ada, Ådne, 愛, 👩":    "Ada, Ådne, 愛, 👩",
		`C:\a "b"`:           `C:\a "b"`,
		"a\x1b[31mb":         `a\x1b[31mb`,
		"a\nb\tc\rd\x00e":    `a\nb\tc\rd\x00e`,
		"csi \u009b31m":      `csi \u009b31m`,
		"bidi \u202eab":      `bidi \u202eab`,
		"not UTF-8 \xff\xfe": `not UTF-8 \xff\xfe`,
	} {
		if got := printable(text); got != want {
			t.Errorf("printable(%q) = %q, want %q", text, got, want)
		}
	}
}

// Nothing that steers a terminal goes through, and JSON stays the same JSON.
func TestNothingSteersATerminal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")) + rapid.String().Draw(t, "text")
		steers := func(r rune) bool { return !unicode.IsPrint(r) }
		if shown := printable(text); strings.IndexFunc(shown, steers) >= 0 || !utf8.ValidString(shown) {
			t.Fatalf("printable(%q) = %q", text, shown)
		}
		raw, err := marshal(map[string]string{text: text})
		if err != nil {
			t.Fatal(err)
		}
		escaped := escapeJSON(raw)
		if bytes.IndexFunc(escaped, steers) >= 0 {
			t.Fatalf("escapeJSON(%q) = %q", raw, escaped)
		}
		var before, after any
		if json.Unmarshal(raw, &before) != nil || json.Unmarshal(escaped, &after) != nil ||
			!reflect.DeepEqual(before, after) {
			t.Fatalf("escapeJSON changes %q to %q", raw, escaped)
		}
	})
}

func TestPrettyKeepsTheText(t *testing.T) {
	var b bytes.Buffer
	err := screen{Writer: &b}.pretty([]byte(`{"b":1.50,"a":1e2,"b":"` + "\u009b<&\u2028" + `"}`))
	want := "{\n  \"b\": 1.50,\n  \"a\": 1e2,\n  \"b\": \"\\u009b<&\\u2028\"\n}\n"
	if err != nil || b.String() != want {
		t.Errorf("got %q, %v, want %q", b.String(), err, want)
	}
}

func TestPaint(t *testing.T) {
	if got := (screen{colored: true}).paint(red, "x"); got != "\x1b[31mx\x1b[0m" {
		t.Errorf("colored: %q", got)
	}
	if got := (screen{terminal: true}).paint(red, "x"); got != "x" {
		t.Errorf("NO_COLOR: %q", got)
	}
}

func TestLine(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	e := schema.Event{
		ID: "a\x1b]0;title", Action: "otp.requested", Native: "otp_requested", Time: at.UTC(), Received: at.UTC(),
		Source: "ssofy", Provider: "ssofy", Semantics: schema.Command, Outcome: schema.Unknown,
		User: &schema.User{ID: "\x1b[2J42"}, Payload: json.RawMessage(`{}`),
	}
	m, err := schema.Wire{Prefix: "identity"}.Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	s := storedOf(7, m.Subject, at, m.Header.Map(), m.Body)
	got := line(screen{terminal: true}, s, at.Add(time.Hour))
	want := `12:00:00.000  ssofy     otp.requested         \x1b[2J42         unknown  a\x1b]0;title`
	if got != want {
		t.Errorf("got\n\t%q, want\n\t%q", got, want)
	}
	if got := line(screen{}, s, at.Add(48*time.Hour)); !strings.HasPrefix(got, "2026-03-01 12:00:00.000  ssofy") {
		t.Errorf("of another day: %q", got)
	}
	s.Subject = "identity.x.\x1b.y"
	if got, want := line(screen{}, s, at), `#7 identity.x.\x1b.y is no event of ours`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWho(t *testing.T) {
	name, mail := "ada", "ada@example.com"
	for want, user := range map[string]*schema.User{
		"-":   nil,
		"42":  {ID: "42", Email: &mail},
		"ada": {PreferredUsername: &name, Email: &mail},
		mail:  {Email: &mail},
	} {
		if got := who(schema.Event{User: user}); got != want {
			t.Errorf("who(%+v) = %q, want %q", user, got, want)
		}
	}
}

// Durations in the log have their unit.
func TestLogSpellsDurations(t *testing.T) {
	var out bytes.Buffer
	newLog(&out).Info("answered", "took", 1200*time.Microsecond)
	if !strings.Contains(out.String(), `"took":"1.2ms"`) {
		t.Errorf("logged %s", &out)
	}
}
