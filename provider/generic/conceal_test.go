package generic_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/schema"
)

// A credential of the body is sealed with the event, in whatever place it stands.
func TestCredentialInTheBodyIsSealed(t *testing.T) {
	for _, c := range []struct{ name, events, body, kept string }{
		{"/value/*/clientState", "      events: /value\n", `{"value":[{"type":"a","clientState":"topsecret","n":[7]}]}`, `"n":[7]`},
		{"/secret", "", `{"type":"a","secret":"topsecret","inner":{"secret":"x"}}`, `"inner":{"secret":"x"}`},
		{"/auth/0", "", `{"type":"a","auth":["topsecret"]}`, `"type":"a"`},
		{"/auth/0/key", "", `{"type":"a","auth":{"0":{"key":"topsecret"}},"key":"x"}`, `"key":"x"`},
		{"/auth/[is=key]/key", "", `{"type":"a","auth":[{"is":"key","key":"topsecret"}]}`, `"is":"key"`},
		{"/secret", "      events: /list\n", `{"secret":"topsecret","list":[{"type":"a","secret":"x"}]}`, `"secret":"x"`},
	} {
		p := mustBuild(t, minimal("credential: {in: member, name: \""+c.name+"\", unsigned: true}")+c.events, "topsecret", noon)
		r := request(http.MethodPost, "/", nil, c.body)
		if err := p.Verify(r); err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		events, err := p.Decode(r)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		e := events[0]
		e.Source, e.Provider, e.Received = "test", "generic", noon
		m, err := (schema.Wire{Prefix: "identity", Seal: providertest.Sealer(t)}).Encode(e, "")
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		if text := string(m.Body); strings.Contains(text, "topsecret") || !strings.Contains(text, c.kept) {
			t.Errorf("%s: %s", c.name, text)
		}
	}
}
