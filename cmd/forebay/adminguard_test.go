package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What other web sites can make a browser send is refused before anything of ours sees it.
func TestAdminGuard(t *testing.T) {
	const get, post = http.MethodGet, http.MethodPost
	for _, c := range []struct {
		name, method, host string
		header             string // "Name: value", several separated by |
		want               int
	}{
		{"by address", get, "127.0.0.1:8081", "", 204},
		{"by IPv6 address", get, "[::1]:8081", "", 204},
		{"by IPv6 address, default port", get, "[::1]", "", 204},
		{"by address of a pod", get, "10.1.2.3:8081", "", 204},
		{"localhost", get, "localhost:8081", "", 204},
		{"below localhost", get, "forebay.localhost:8081", "", 204},
		{"name of a service", get, "forebay:8081", "", 204},
		{"name of ours", get, "Forebay.example.com:8081", "", 204},
		{"no host at all", get, "", "", 204},
		{"rebound name", get, "rebound.example.net:8081", "", 403},
		{"rebound name, post", post, "rebound.example.net:8081", "Origin: http://rebound.example.net:8081", 403},
		{"rebound name with a final stop", get, "rebound.example.net.:8081", "", 403},
		{"address within a name", get, "127.0.0.1.example.net", "", 403},
		{"our name within another", get, "forebay.example.com.example.net", "", 403},
		{"localhost within another", get, "localhost.example.net", "", 403},

		{"post by a program", post, "127.0.0.1:8081", "", 204},
		{"post of our page", post, "127.0.0.1:8081", "Sec-Fetch-Site: same-origin", 204},
		{"post of our page, old browser", post, "127.0.0.1:8081", "Origin: http://127.0.0.1:8081", 204},
		{"form of another site", post, "127.0.0.1:8081", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate", 403},
		{"form of another site, old browser", post, "127.0.0.1:8081", "Origin: https://example.net", 403},
		{"form of a sandbox", post, "127.0.0.1:8081", "Origin: null", 403},
		{"form of another port of this machine", post, "127.0.0.1:8081", "Origin: http://127.0.0.1:3000", 403},
		{"script of another site", get, "127.0.0.1:8081", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: no-cors", 403},
		{"script of another port", get, "localhost:8081", "Sec-Fetch-Site: same-site|Sec-Fetch-Mode: cors", 403},
		{"link of another site", get, "127.0.0.1:8081", "Sec-Fetch-Site: cross-site|Sec-Fetch-Mode: navigate", 204},
		{"typed", get, "127.0.0.1:8081", "Sec-Fetch-Site: none|Sec-Fetch-Mode: navigate", 204},
	} {
		t.Run(c.name, func(t *testing.T) {
			reached := false
			handler := guardAdmin(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				reached = true
				w.WriteHeader(http.StatusNoContent)
			}), []string{"forebay.example.com"})
			r := httptest.NewRequest(c.method, "/", nil)
			r.Host = c.host
			for line := range strings.SplitSeq(c.header, "|") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					r.Header.Set(name, value)
				}
			}
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != c.want || reached != (c.want == 204) {
				t.Errorf("got %d, reached %v; want %d", w.Code, reached, c.want)
			}
			if w.Header().Get("X-Frame-Options") != "DENY" {
				t.Error("another site may frame it")
			}
		})
	}
}
