package schema

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestCheckJSON(t *testing.T) {
	nest := func(n int) string { return strings.Repeat(`{"a":[`, n/2) + "1" + strings.Repeat("]}", n/2) }
	for text, want := range map[string]error{
		`{}`: nil, ` [1, -0.5e+3, "\u00e9", true, null] `: nil, `"lone \ud800"`: nil, `1e999`: nil, `{"a":1,"a":2}`: nil,
		nest(200): nil, nest(202): errDepth, strings.Repeat("[", 1<<20): errDepth,
		"": errSyntax, " ": errSyntax, `{} {}`: errSyntax, `{"a":1,}`: errSyntax, `[1,]`: errSyntax, `[,1]`: errSyntax,
		`{a:1}`: errSyntax, `'a'`: errSyntax, `01`: errSyntax, `1.`: errSyntax, `.5`: errSyntax, `+1`: errSyntax, `-`: errSyntax,
		`1e`: errSyntax, `NaN`: errSyntax, `tru`: errSyntax, `"\x"`: errSyntax, `"\u12g4"`: errSyntax, "\"a\nb\"": errSyntax,
		`"open`: errSyntax, `"\`: errSyntax, `{"a"}`: errSyntax, `[1}`: errSyntax, "\ufeff{}": errSyntax, "[1\x00]": errSyntax, "[\x00": errSyntax,
		"\"\xff\"": errUTF8, "\"\xed\xa0\x80\"": errUTF8,
	} {
		if got := checkJSON([]byte(text)); !errors.Is(got, want) {
			t.Errorf("%.40q: got %v, want %v", text, got, want)
		}
	}
}

func FuzzCheckJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,2.5e-3,"\u00e9\n",true,false,null,{}]}`, `[1,]`, `{"a":1,}`, `"\ud800"`, `-01`, "[\x00]", `{"a":1 "b"}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		err := checkJSON(data)
		if errors.Is(err, errDepth) {
			return
		}
		if want := json.Valid(data) && utf8.Valid(data); (err == nil) != want {
			t.Errorf("%q: got %v, want valid %v", data, err, want)
		}
	})
}

func FuzzAppendText(f *testing.F) {
	for _, s := range []string{"", "plain", "a\"b\\c/<>&\n\r\t\x00\x1f\x7f", "€\u2028", "\xff\xed\xa0\x80", "\ufffd"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := appendText(nil, s)
		if err := checkJSON(text); err != nil {
			t.Fatalf("%q: %q: %v", s, text, err)
		}
		var got string
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatal(err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q: read back as %q, want %q", s, got, want)
		}
	})
}
