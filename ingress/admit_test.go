package ingress_test

import (
	"net/http"
	"strings"
	"testing"
)

// A transmitter that is not ours is told so, whatever it sends (RFC 8935, section 2.4).
func TestAuthorizationComesBeforeTheContentType(t *testing.T) {
	const options = ", set: {issuer: i, audience: [a], authorization: right}"
	for authorization, want := range map[string]verdict{
		"wrong": {http.StatusBadRequest, 0}, "right": {http.StatusUnsupportedMediaType, 0},
	} {
		body := "x"
		v := vector{
			Secret: strings.Repeat("s", 32), Body: &body,
			Headers: map[string]string{"Authorization": authorization, "Content-Type": "text/plain"},
		}
		_, got := v.run(t, aSource(t, "set", path, options), "", want)
		if refused := strings.Contains(got.body, "authentication_failed"); refused != (authorization == "wrong") {
			t.Errorf("%s: answered %s", authorization, got.body)
		}
	}
}

func TestContentEncoding(t *testing.T) {
	b := newBench(t, fake{})
	for value, want := range map[string]int{"": 200, "identity": 200, "Identity": 200, "gzip": 415, "identity, gzip": 415} {
		got := b.raw(head+"Content-Encoding: %s\r\nContent-Length: 10\r\n\r\n{\"id\":\"1\"}", value)
		if got.status != want {
			t.Errorf("%q: got %d, want %d", value, got.status, want)
		}
	}
}
