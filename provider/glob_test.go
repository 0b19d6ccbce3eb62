package provider_test

import (
	"testing"

	"github.com/forebayhq/forebay/provider"
)

func TestMatchGlob(t *testing.T) {
	for _, c := range []struct {
		glob, text, captured string
		ok                   bool
	}{
		{"a", "a", "", true}, {"a", "ab", "", false}, {"*", "", "", true}, {"*", "x", "x", true}, {"a*", "abc", "bc", true},
		{"*c", "abc", "ab", true}, {"a*c", "abc", "b", true}, {"a*c", "ac", "", true}, {"ab*bc", "abc", "", false},
		{"*a*", "xax", "", true}, {"a*b*c", "a1b2c", "", true}, {"a*b*c", "acb", "", false}, {"*.x.*.y", "1.x.2.y", "", true},
		{"*.x.*.y", "1.x.y", "", false}, {"", "", "", true}, {"", "a", "", false}, {"a*b*b", "ab", "", false},
	} {
		if captured, ok := provider.MatchGlob(c.glob, c.text); ok != c.ok || captured != c.captured && ok {
			t.Errorf("MatchGlob(%q, %q) = %q, %t", c.glob, c.text, captured, ok)
		}
	}
}
