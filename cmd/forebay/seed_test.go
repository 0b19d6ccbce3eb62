package main

import (
	"strings"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

// seedYAML has the three providers of the seed that forebayYAML lacks, and security event tokens. Some sign the URL.
const seedYAML = forebayYAML + `
  asgardeo: {provider: asgardeo, secrets: [invented-secret-of-asgardeo]}
  entrust: {provider: entrust, secrets: [invented-token-of-entrust]}
  scalekit: {provider: scalekit, secrets: ["whsec_aW52ZW50ZWQgc2VjcmV0IG9mIHNjYWxla2l0"]}
  set:
    provider: set
    secrets: [invented-secret-of-at-least-32-bytes]
    set: {issuer: "https://transmitter.example.com", audience: ["https://hooks.example.com/webhooks/set"]}
public_url: http://127.0.0.1:${HTTP}
`

// Every native action of the others is sent by "send" and arrives on the subject of the action that its provider names
// (docs_test.go holds these to the pages), none in quarantine, and none as other by mistake.
func TestEveryActionOfTheSeedArrives(t *testing.T) {
	d := newDaemon(t, seedYAML)
	d.run(t)
	want := map[string]string{} // subject by "<source>/<event id>"
	for _, name := range []string{"asgardeo", "entrust", "scalekit", "set"} {
		for _, n := range d.target(t, name).sampler.Natives() {
			want[name+"/"+d.sendOne(t, name, n.Name).IDs[0]] = "identity." + name + "." + string(n.Action)
			// Four of the first have no action of ours, and RISC's opt-in and opt-outs.
			mayBeOther := strings.HasPrefix(n.Name, "connected_account.") || strings.Contains(n.Name, "/risc/event-type/opt-")
			if n.Action.Category() == schema.CategoryOther && !mayBeOther {
				t.Errorf("%s %s becomes %s", name, n.Name, n.Action)
			}
		}
	}
	if len(want) < 28+16+41+30 {
		t.Errorf("only %d native actions", len(want))
	}
	d.wantSubjects(t, want)
}
