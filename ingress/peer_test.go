package ingress_test

import (
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// Providers see who sent a request: the other end of the connection, or the client that a trusted proxy names.
func TestProvidersSeeThePeer(t *testing.T) {
	for name, c := range map[string]struct {
		trusted []netip.Prefix
		want    string
	}{
		"no proxy":      {nil, "127.0.0.1"},
		"trusted proxy": {[]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, "203.0.113.7"},
	} {
		var peer atomic.Value
		var secure atomic.Bool
		p := fake{verify: func(r provider.Request) error {
			peer.Store(r.Peer)
			secure.Store(r.TLS != nil)
			return nil
		}}
		b := newBench(t, p, func(b *bench) { b.config.TrustedProxies = c.trusted })
		b.post(`{"id":"1"}`, "X-Forwarded-For: 198.51.100.1, 203.0.113.7")
		if got := peer.Load(); got != netip.MustParseAddr(c.want) {
			t.Errorf("%s: got %v, want %s", name, got, c.want)
		}
		if secure.Load() {
			t.Errorf("%s: TLS on a plain connection", name)
		}
		server := httptest.NewTLSServer(b.in)
		defer server.Close()
		res, err := server.Client().Post(server.URL+path, "application/json", strings.NewReader(`{"id":"2"}`))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if !secure.Load() {
			t.Errorf("%s: no TLS on a connection with TLS", name)
		}
	}
}
