package schema

import (
	"strings"
	"testing"
)

func TestEscapeHeader(t *testing.T) {
	for plain, want := range map[string]string{
		"":                       "",
		"plain-Text_1.2~!#$&'/?": "plain-Text_1.2~!#$&'/?",
		"a b":                    "a%20b",
		`say "hi" 100%`:          "say%20%22hi%22%20100%25",
		"Euro € 😀":               "Euro%20%E2%82%AC%20%F0%9F%98%80", // the binding's own example
		"a\r\nNats-TTL: 1s":      "a%0D%0ANats-TTL:%201s",
		"\x00\x7f":               "%00%7F",
	} {
		if got := EscapeHeader(plain); got != want {
			t.Errorf("%q: got %q, want %q", plain, got, want)
		}
		if got, err := UnescapeHeader(want); err != nil || got != plain {
			t.Errorf("%q: got %q, %v, want %q", want, got, err, plain)
		}
	}
}

func TestUnescapeHeader(t *testing.T) {
	if got, err := UnescapeHeader("%e2%82%ac"); err != nil || got != "€" {
		t.Errorf("small hex digits: got %q, %v", got, err)
	}
	if got, err := UnescapeHeader("%2541"); err != nil || got != "%41" {
		t.Errorf("decoded more than once, or not at all: %q, %v", got, err)
	}
	for _, s := range []string{"%", "%2", "%zz", "100%", "a b", "a\nb", `"`, "€", "%2€"} {
		if got, err := UnescapeHeader(s); err == nil {
			t.Errorf("%q: got %q, want an error", s, got)
		}
	}
}

func FuzzHeader(f *testing.F) {
	for _, s := range []string{"", "a b", "100%25", "\r\n", "€", "\xff\x00", "NATS/1.0\r\n\r\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, plain string) {
		escaped := EscapeHeader(plain)
		for i := range len(escaped) {
			if c := escaped[i]; c <= ' ' || c >= 0x7f || c == '"' {
				t.Fatalf("%q: %q holds %q", plain, escaped, c)
			}
		}
		if got, err := UnescapeHeader(escaped); err != nil || got != plain {
			t.Errorf("%q: read back as %q, %v", plain, got, err)
		}
		header := Header(appendHeader(appendHeader(nil, "ce-id", plain), "ce-type", "a.b"))
		if header.Get("ce-type") != "a.b" || header.Get("ce-id") != EscapeHeader(strings.ToValidUTF8(plain, "\uFFFD")) {
			t.Errorf("%q: written as %q", plain, header)
		}
		// What is read at all is read from one spelling, the case of hex digits and needless escapes aside.
		if read, err := UnescapeHeader(plain); err == nil {
			if again, err := UnescapeHeader(EscapeHeader(read)); err != nil || again != read {
				t.Errorf("%q: %q became %q, %v", plain, read, again, err)
			}
		}
	})
}

func TestTraceparent(t *testing.T) {
	const good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	if !ValidTraceparent(good) {
		t.Errorf("%s: refused", good)
	}
	for _, s := range []string{
		"", "01" + good[2:], good[:54], good + "0", "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
		"00-00000000000000000000000000000000-00f067aa0ba902b7-01", "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-\r\n",
	} {
		if ValidTraceparent(s) {
			t.Errorf("%q: accepted", s)
		}
	}
}
