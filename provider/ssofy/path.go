package ssofy

import (
	"cmp"
	"net/url"

	"github.com/forebayhq/forebay/provider"
)

// signedPath is the path that SSOfy called: behind a proxy that strips a prefix, public_url has it. No path is "/", as in
// WHATWG's URL, which SSOfy's Node library signs.
func (p *Provider) signedPath(u *url.URL) string {
	return p.prefix + cmp.Or(provider.WrittenPath(u), "/")
}
