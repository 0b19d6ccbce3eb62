package ingress

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// requestPath is the path as the sender wrote it: escapes untouched, nothing resolved, without host and query. Raw
// non-ASCII counts in its percent-encoded form.
func requestPath(r *http.Request) string {
	p := r.RequestURI
	if p == "" { // a request that did not come over the network
		return r.URL.EscapedPath()
	}
	if !strings.HasPrefix(p, "/") { // absolute form: http://host/path
		_, rest, ok := strings.Cut(p, "://")
		slash := strings.IndexAny(rest, "/?")
		switch {
		case !ok:
			return ""
		case slash < 0 || rest[slash] == '?':
			return "/"
		}
		p = rest[slash:]
	}
	p, _, _ = strings.Cut(p, "?")
	return provider.EscapeNonASCII(p)
}

// exactPath gives the URL of a configured path, whose EscapedPath is the path as a request line carries it. It refuses
// what no request line can carry, and characters that net/url would rewrite: a source there would never be found.
func exactPath(path string) (url.URL, error) {
	path = provider.EscapeNonASCII(path)
	if !strings.HasPrefix(path, "/") {
		return url.URL{}, fmt.Errorf("path %q does not begin with /", path)
	}
	plain, err := url.PathUnescape(path)
	if err != nil {
		return url.URL{}, fmt.Errorf("path %q: %w", path, err)
	}
	u := url.URL{Path: plain, RawPath: path}
	if u.EscapedPath() != path {
		return url.URL{}, fmt.Errorf("path %q: characters that are not escaped", path)
	}
	return u, nil
}
