package cache

import (
	"net/url"
	"strings"
	"testing"
)

// FuzzKey: a value of an event is in the key as it is, and makes no second key of it.
func FuzzKey(f *testing.F) {
	for _, seed := range []string{"42", "", " ", "a\nb", "a\r", "\x00", "*", "{{.id}}", "é\xff", "a:b"} {
		f.Add(seed)
	}
	keys, err := compileKeys(map[string][]string{"*": {"session:{{.user.id}}"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got, err := keys.yield("user.updated", map[string]any{"user": map[string]any{"id": id}})
		switch {
		case err != nil && !strings.ContainsAny(id, "\r\n\x00"):
			t.Errorf("%q: %v", id, err)
		case len(got) > 1, len(got) == 1 && got[0] != "session:"+id, len(got) == 0 && err == nil && id != "":
			t.Errorf("%q: got %q", id, got)
		}
	})
}

// FuzzURL: a value of an event is one segment of a path. It changes neither host nor query, and climbs nowhere.
func FuzzURL(f *testing.F) {
	for _, seed := range []string{"42", "..", ".", "../admin", "a/b", "a?b=c", "a#b", "@evil.example.net", "%2e%2e", "\\..", "a\nb", "é"} {
		f.Add(seed)
	}
	urls, err := compileURLs(map[string][]string{"*": {"https://cache.example.com/users/{{.user.id}}/purge"}}, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, id string) {
		got, err := urls.yield("user.updated", map[string]any{"user": map[string]any{"id": id}})
		if err != nil || len(got) == 0 {
			return
		}
		u, err := url.Parse(got[0])
		if err != nil {
			t.Fatalf("%q: %v", id, err)
		}
		segments := strings.Split(u.EscapedPath(), "/")
		clean := u.JoinPath().EscapedPath() == u.EscapedPath()
		if len(got) != 1 || u.Host != "cache.example.com" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
			len(segments) != 4 || u.Path != "/users/"+id+"/purge" || !clean && !strings.Contains(id, "/") {
			t.Errorf("%q: got %q", id, got)
		}
	})
}
