package provider

import "strings"

// MatchGlob reports whether a glob matches the whole of s, and what its one * stood for; of several none is told.
func MatchGlob(glob, s string) (captured string, ok bool) {
	parts := strings.Split(glob, "*")
	rest, ok := strings.CutPrefix(s, parts[0])
	last := len(parts) - 1
	switch {
	case !ok:
		return "", false
	case last == 0:
		return "", rest == ""
	case last == 1:
		return strings.CutSuffix(rest, parts[1])
	}
	for _, part := range parts[1:last] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return "", false
		}
	}
	return "", strings.HasSuffix(rest, parts[last])
}
