package provider

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// WrittenPath is the path of u with its escapes as written: never decoded, cleaned or resolved. Raw non-ASCII counts in
// its percent-encoded form, as in WHATWG's URL. No path is the empty text.
func WrittenPath(u *url.URL) string {
	path := u.RawPath // set by net/url wherever the usual escapes of Path are not what was written
	if path == "" {
		path = u.EscapedPath()
	}
	return EscapeNonASCII(path)
}

// EscapeNonASCII percent-encodes what is not ASCII, as every HTTP client does, and leaves the rest as it is.
func EscapeNonASCII(s string) string {
	if strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0 {
		return s
	}
	var b strings.Builder
	for i := range len(s) {
		if s[i] < utf8.RuneSelf {
			b.WriteByte(s[i])
			continue
		}
		fmt.Fprintf(&b, "%%%02X", s[i])
	}
	return b.String()
}
