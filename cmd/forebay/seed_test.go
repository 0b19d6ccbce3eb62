package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
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
			want[d.sendOne(t, name, n)] = "identity." + name + "." + string(n.Action)
			// Four of the first have no action of ours, and RISC's opt-in and opt-outs.
			mayBeOther := strings.HasPrefix(n.Name, "connected_account.") || strings.Contains(n.Name, "/risc/event-type/opt-")
			if n.Action.Category() == schema.CategoryOther && !mayBeOther {
				t.Errorf("%s %s becomes %s", name, n.Name, n.Action)
			}
		}
	}
	got := map[string]string{}
	for _, m := range d.stream(t, len(want)) {
		got[m.id()] = m.Subject
	}
	for id, subject := range want {
		if got[id] != subject {
			t.Errorf("%s is on %q, want %q", id, got[id], subject)
		}
	}
	if len(want) < 28+16+41+30 || len(got) != len(want) {
		t.Errorf("%d sent, %d in the stream", len(want), len(got))
	}
}

// sendOne sends one delivery and gives "<source>/<event id>".
func (d *daemon) sendOne(t *testing.T, source string, n provider.Native) string {
	t.Helper()
	stdout, stderr, code := call(t, "--config", d.config(), "send", source, n.Name, "--json")
	var a answer
	if err := json.Unmarshal([]byte(stdout), &a); err != nil || code != 0 || len(a.IDs) != 1 {
		t.Fatalf("send %s %s: exit code %d, %v: %s%s", source, n.Name, code, err, stdout, stderr)
	}
	return source + "/" + a.IDs[0]
}
