package ingress_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

// What verified a delivery is not kept with it, wherever it stands: sealing is off here.
func TestQuarantineHoldsNoCredential(t *testing.T) {
	const secret = "topsecretvalue"
	basic := base64.StdEncoding.EncodeToString([]byte("u:" + secret))
	for _, c := range []struct {
		credential, secret, target, body string

		headers map[string]string
		kept    string
	}{
		{"{in: query, name: key, unsigned: true}", secret, path + "?a=1&k%65y=" + secret + "&b=2", `[]`, nil, path + "?a=1&b=2 HTTP/1.1\r\n"},
		{"{in: header, name: x-webhook-secret, unsigned: true}", secret, path + "?a=1", `[]`,
			map[string]string{"X-Webhook-Secret": secret, "X-Other": "stays"}, "X-Other: stays\r\n"},
		{"{in: bearer, name: X-Token, unsigned: true}", secret, path, `[]`, map[string]string{"X-Token": "bearer " + secret}, "Content-Length: 2"},
		{"{in: basic, name: X-Basic, unsigned: true}", "u:" + secret, path, `[]`, map[string]string{"X-Basic": "Basic " + basic}, "Content-Length: 2"},
		{"{in: member, name: /value/*/clientState, unsigned: true}", secret, path,
			`{"value":[{"clientState":"` + secret + `","n":1},{"clientState":"t\u006fpsecretvalue"}]}`, nil,
			`{"value":[{"clientState":"","n":1},{"clientState":""}]}`},
	} {
		v := vector{Secret: c.secret, Method: http.MethodPost, Headers: c.headers, Body: &c.body}
		options := ", generic: {verify: {credential: " + c.credential + "}, type: /type}"
		b, _ := v.run(t, aSource(t, "generic", path, options), c.target, verdict{http.StatusOK, 1})
		q, err := schema.ParseQuarantine(b.messages()[0].Body)
		if err != nil {
			t.Fatalf("%s: %v", c.credential, err)
		}
		text := string(q.Request)
		for _, hidden := range []string{secret, basic, "psecretvalue"} {
			if strings.Contains(text, hidden) {
				t.Errorf("%s: the request that is kept holds the credential:\n%s", c.credential, text)
			}
		}
		if !strings.Contains(text, c.kept) {
			t.Errorf("%s: want %q in\n%s", c.credential, c.kept, text)
		}
	}
}
