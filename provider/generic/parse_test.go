package generic

import (
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// FuzzTemplate: a template that is accepted signs the body, prints as it was written, and what is rendered is the text
// with body, time and headers in place of their names.
func FuzzTemplate(f *testing.F) {
	for _, text := range []string{"{body}", "{t}.{body}", "v0:{t}:{header:X}:{body}", "{header:x}{body}", "{body", "}{body}", "{}{body}", "{{body}}", ""} {
		f.Add(text)
	}
	h := http.Header{"X": {"<x>"}}
	f.Fuzz(func(t *testing.T, text string) {
		parsed, err := parseTemplate(text)
		if err != nil {
			return
		}
		if parsed.String() != text {
			t.Fatalf("%q prints as %q", text, parsed)
		}
		if !strings.Contains(text, "{body}") {
			t.Fatalf("%q is accepted", text)
		}
		got, err := parsed.render(h, []byte("<b>"), "<t>")
		want := strings.NewReplacer("{body}", "<b>", "{t}", "<t>", "{header:X}", "<x>", "{header:x}", "<x>").Replace(text)
		if err == nil && string(got) != want {
			t.Errorf("%q renders %q, want %q", text, got, want)
		}
		one, _ := parsed.render(h, []byte("1"), "")
		other, _ := parsed.render(h, []byte("2"), "")
		if err == nil && string(one) == string(other) {
			t.Errorf("%q signs two bodies alike", text)
		}
	})
}

// FuzzSelector: no selector and no document make the reader fall over.
func FuzzSelector(f *testing.F) {
	f.Add("/a/0/b | header:X | text:y if /c is d*", `{"a":[{"b":"c"}],"c":"de"}`)
	f.Add("{/a}:{/b~1c} if /t is *", `{"a":1,"b/c":true}`)
	f.Add("/target/[type=User]/id", `{"target":[{"type":"User","id":"7"}]}`)
	f.Fuzz(func(t *testing.T, text, body string) {
		s, err := parseSelector(text)
		v, bad := provider.ParseJSON([]byte(body))
		if err != nil || bad != nil {
			return
		}
		d := document{v, http.Header{"X": {"x"}}}
		if raw := s.raw(d); raw == nil && s.text(d) != "" {
			t.Errorf("%q of %s: %q as text and nothing as JSON", text, body, s.text(d))
		}
	})
}

func TestPointer(t *testing.T) {
	v, err := provider.ParseJSON([]byte(`{"":1,"a":{"b":[10,{"c":"x","t":"T"},[true]]},"m~n":2,"s/t":3,"*":4,"[t=T]":5,"l":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	for pointer, want := range map[string]string{
		"/": "1", "/a/b/0": "10", "/a/b/1/c": "x", "/a/b/2/0": "true", "/m~0n": "2", "/s~1t": "3", "/*": "4", "/[t=T]": "5",
		"/a/b/[t=T]/c": "x", "/a/b/[t=U]/c": "", "/a/b/00": "", "/a/b/-": "", "/a/b/3": "", "/a/b": "", "/x/y": "", "/a/b/0/0": "",
		"/l/0": "", "/l/*": "",
	} {
		p, err := parsePointer(pointer)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(p.get(v)); got != want {
			t.Errorf("%s is %q, want %q", pointer, got, want)
		}
	}
}
