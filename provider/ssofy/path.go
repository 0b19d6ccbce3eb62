package ssofy

import (
	"fmt"
	"net/url"
	"strings"
	"unicode/utf8"
)

// signedPath is the path that SSOfy called: behind a proxy that strips a prefix, public_url has it.
func (p *Provider) signedPath(u *url.URL) string { return p.prefix + writtenPath(u) }

// writtenPath is the path of u with its escapes as written: never decoded, cleaned or resolved. Raw non-ASCII counts in
// its percent-encoded form, and no path is "/", both as in WHATWG's URL, which SSOfy's Node library signs.
func writtenPath(u *url.URL) string {
	path := u.RawPath // set by net/url wherever the usual escapes of Path are not what was written
	if path == "" {
		path = u.EscapedPath()
	}
	if path == "" {
		return "/"
	}
	return escapeNonASCII(path)
}

func escapeNonASCII(s string) string {
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
