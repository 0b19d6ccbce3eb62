package main

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// guardAdmin keeps other web sites away from the admin listener. It knows no passwords, and a browser on a machine that
// reaches it runs the programs of every site that its owner visits.
//
//   - A site whose name resolves to our address (DNS rebinding) would be of our origin. So a request must call us by an
//     address, by a name without a full stop, which nobody else can own, or by a name in hosts (admin_hosts).
//   - A site that sends a form or a script's request across origins is refused by what browsers say of it,
//     Sec-Fetch-Site and Origin. Programs that are no browsers say neither, and are let in.
//   - Nothing of ours may be shown within a page of another site, where a click means something else.
func guardAdmin(next http.Handler, hosts []string) http.Handler {
	next = http.NewCrossOriginProtection().Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		switch {
		case !ownHost(r.Host, hosts):
			http.Error(w, "not called by an address or a name of ours: see admin_hosts", http.StatusForbidden)
		case crossSite(r):
			http.Error(w, "called by another web site", http.StatusForbidden)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownHost reports whether a Host header cannot be the name of another web site. Programs older than HTTP/1.1 send none.
func ownHost(header string, hosts []string) bool {
	host, _, err := net.SplitHostPort(header)
	if err != nil {
		host = strings.Trim(header, "[]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if _, err := netip.ParseAddr(host); err == nil {
		return true
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || slices.Contains(hosts, host)
}

// crossSite reports whether a browser says that another site loads this, a link that somebody followed aside. A
// profile, say, costs us half a minute of work even where the site may not read it.
func crossSite(r *http.Request) bool {
	from := r.Header.Get("Sec-Fetch-Site")
	return (from == "cross-site" || from == "same-site") && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
