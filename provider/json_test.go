package provider_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/forebayhq/forebay/provider"
)

func TestParseJSONRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "{", "}", "{}{}", "[1,]", `{"a":1,}`, `{a:1}`, "01", "1.", "NaN", `"\x"`, "\"a\nb\"", "nul", `"\ud8"`,
		"\ufeff{}", "\"\xff\"", "\"\xed\xa0\x80\"", "[1]x", strings.Repeat("[", 20000) + strings.Repeat("]", 20000),
	} {
		if _, err := provider.ParseJSON([]byte(text)); err == nil {
			t.Errorf("ParseJSON(%.20q): no error", text)
		}
	}
	if _, err := provider.ParseObject([]byte("[]")); err == nil {
		t.Error("ParseObject([]): no error")
	}
}

// The bound is on values, not on what looks like one inside a text.
func TestParseBounded(t *testing.T) {
	many := `"` + strings.Repeat(`,[{\"`, 9) + `"`
	for text, values := range map[string]int{
		`{}`: 1, ` { } `: 1, `{"a":1}`: 2, `{"a":[],"b":{"c":[1,2]},"a":[[ ]]}`: 8, `{"":` + many + `}`: 2,
		`{` + many + `:[` + many + `,` + many + `]}`: 4, `{"\\":"\\","[":"]"}`: 3,
	} {
		if _, err := provider.ParseBounded([]byte(text), values); err != nil {
			t.Errorf("%s, at most %d: %v", text, values, err)
		}
		if _, err := provider.ParseBounded([]byte(text), values-1); err == nil {
			t.Errorf("%s, at most %d: no error", text, values-1)
		}
	}
	for _, text := range []string{`[]`, `{`, `{"a`, `{"a\`, `{}}`} {
		if _, err := provider.ParseBounded([]byte(text), 9); err == nil {
			t.Errorf("%s: no error", text)
		}
	}
}

func TestWellFormed(t *testing.T) {
	for text, want := range map[string]bool{
		`"\ud83c\udfe0"`: true, `"\uD83C\uDFE0x"`: true, `"\\ud83c"`: true, `"é"`: true,
		`"\ud83c"`: false, `"\udfe0"`: false, `"\ud83c\u0041"`: false, `"\ud83c\ud83c\udfe0"`: false,
		`{"\ud83c":1}`: false, `[{"a":["\udfe0"]}]`: false, `"\ud83cx\udfe0"`: false,
	} {
		v, err := provider.ParseJSON([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := v.WellFormed(); got != want {
			t.Errorf("%s: got well-formed %t, want %t", text, got, want)
		}
	}
}

func TestRepeatedNames(t *testing.T) {
	v, err := provider.ParseJSON([]byte(` { "a" : 1 , "b" : 2 , "\u0061" : 3 , "" : [ 4 , 5 ] } `))
	if err != nil {
		t.Fatal(err)
	}
	if got := string(v.Get("a").Raw()); got != "3" {
		t.Errorf("Get gives %s, want the last: 3", got)
	}
	var got []string
	for _, m := range v.Members() {
		got = append(got, string(m.Name())+"="+string(m.Raw()))
	}
	if want := []string{"a=3", "b=2", "=[ 4 , 5 ]"}; !reflect.DeepEqual(got, want) {
		t.Errorf("Members gives %q, want %q", got, want)
	}
}

func TestOptional(t *testing.T) {
	v, err := provider.ParseJSON([]byte(`{"text":"x","empty":"","true":true,"null":null,"number":1}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"text": true, "empty": true, "true": false, "null": false, "absent": false} {
		if got := v.Get(name).OptionalText() != nil; got != want {
			t.Errorf("%s: is a text: %t", name, got)
		}
	}
	for name, want := range map[string]bool{"true": true, "text": false, "number": false, "absent": false} {
		if got := v.Get(name).OptionalBool() != nil; got != want {
			t.Errorf("%s: is a boolean: %t", name, got)
		}
	}
	absent := v.Get("absent").Get("further")
	if absent.Kind() != provider.KindAbsent || absent.Raw() != nil || absent.Name() != nil || absent.Text() != "" {
		t.Error("an absent value is not empty")
	}
}

// FuzzParseJSON holds the parser to encoding/json: the same texts are JSON, and they say the same.
func FuzzParseJSON(f *testing.F) {
	for _, text := range []string{
		`{"action":"x","payload":{"a":[1,-2.5e3,true,false,null,{}],"b":"\u00e9\ud83c\udfe0\n"}}`,
		`[[],{},"",0]`, ` {"a" : "\ud800" , "a":2}`, "{", `"\u0000\"\\\/\b\f\n\r\t"`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		v, err := provider.ParseJSON(text)
		if want := json.Valid(text) && utf8.Valid(text); (err == nil) != want {
			t.Fatalf("got %v, want JSON %t", err, want)
		}
		if err != nil {
			return
		}
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var want any
		if err := d.Decode(&want); err != nil {
			t.Fatal(err)
		}
		if got := generic(v); !reflect.DeepEqual(got, want) {
			t.Errorf("got %#v, want %#v", got, want)
		}
		if n := count(v); v.Kind() == provider.KindObject && n > 1 {
			_, enough := provider.ParseBounded(text, n)
			_, fewer := provider.ParseBounded(text, n-1)
			if enough != nil || fewer == nil {
				t.Errorf("%d values: got %v, and %v with one less", n, enough, fewer)
			}
		}
	})
}

func count(v provider.Value) int {
	n := 1
	for child := range v.Children() {
		n += count(child)
	}
	return n
}

// generic gives a value as encoding/json does.
func generic(v provider.Value) any {
	switch v.Kind() {
	case provider.KindObject:
		m := make(map[string]any)
		for _, member := range v.Members() {
			m[string(member.Name())] = generic(member)
		}
		return m
	case provider.KindArray:
		a := []any{}
		for element := range v.Children() {
			a = append(a, generic(element))
		}
		return a
	case provider.KindText:
		return v.Text()
	case provider.KindNumber:
		return json.Number(v.Raw())
	case provider.KindTrue, provider.KindFalse:
		return *v.OptionalBool()
	}
	return nil
}
