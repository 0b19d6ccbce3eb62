package ingress

import (
	"net/http"
	"net/netip"
	"strings"
)

// stranger names who sent this delivery, for the limit on failures. It decides about load and never about trust.
func (d *delivery) stranger() stranger {
	addr := clientAddr(d.http, d.in.trusted)
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	from, _ := addr.Prefix(bits) // an address that is not known is one stranger like any other
	return stranger{source: d.Name, from: from}
}

// clientAddr is the peer's address. Where the peer is a trusted proxy it is the right-most address of X-Forwarded-For
// that is none: what stands further left is what the client claims.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	addr := parseAddr(r.RemoteAddr)
	if !isTrusted(addr, trusted) {
		return addr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isTrusted(addr, trusted); i-- {
		next := parseAddr(strings.TrimSpace(hops[i]))
		if !next.IsValid() {
			break
		}
		addr = next
	}
	return addr
}

// parseAddr reads an address with or without a port.
func parseAddr(s string) netip.Addr {
	if ap, err := netip.ParseAddrPort(s); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, _ := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone("")
}

func isTrusted(a netip.Addr, trusted []netip.Prefix) bool {
	for _, p := range trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
