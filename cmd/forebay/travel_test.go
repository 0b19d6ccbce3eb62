package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/schema"
)

// mappings are the rows of the table of actions for SSOfy and mgPass.
var mappings = map[string]string{
	"ssofy token_deleted":           "token.revoked",
	"ssofy otp_requested":           "otp.requested",
	"ssofy user_created":            "user.created",
	"ssofy user_updated":            "user.updated",
	"ssofy password_reset":          "password.reset",
	"ssofy safety_reset":            "cache.reset",
	"mgpass user.login.success":     "login.succeeded",
	"mgpass user.login.failed":      "login.failed",
	"mgpass user.register":          "user.created",
	"mgpass user.suspended":         "user.disabled",
	"mgpass user.unsuspended":       "user.enabled",
	"mgpass user.deleted":           "user.deleted",
	"mgpass session.created":        "session.created",
	"mgpass session.revoked":        "session.revoked",
	"mgpass token.issued":           "token.issued",
	"mgpass token.refreshed":        "token.refreshed",
	"mgpass role.assigned":          "role.assigned",
	"mgpass role.removed":           "role.unassigned",
	"mgpass user.impersonated":      "impersonation.started",
	"mgpass rewards.points_awarded": "other.rewards_points_awarded",
	"mgpass rewards.tier_promoted":  "other.rewards_tier_promoted",
	"mgpass rewards.redeemed":       "other.rewards_redeemed",
	"mgpass cashback.redeemed":      "other.cashback_redeemed",
	"mgpass cashback.processed":     "other.cashback_processed",
}

// Every native action of SSOfy and mgPass is sent by "send" and arrives on the subject of the table.
func TestEveryActionArrivesOnItsSubject(t *testing.T) {
	d := newDaemon(t, forebayYAML)
	d.run(t)
	want := map[string]string{} // subject by "<source>/<event id>"
	for name, action := range mappings {
		source, native, _ := strings.Cut(name, " ")
		a := d.sendOne(t, source, native)
		if a.Stored != schema.StoredJournal || a.Signature == "wrong" {
			t.Errorf("send %s: %+v", name, a)
		}
		want[source+"/"+a.IDs[0]] = "identity." + source + "." + action
	}
	d.wantSubjects(t, want)
	for _, name := range []string{"mgpass", "ssofy"} {
		for _, n := range d.target(t, name).sampler.Natives() {
			if mappings[name+" "+n.Name] == "" {
				t.Errorf("mappings lacks %s %s", name, n.Name)
			}
		}
	}
}

// sendOne sends one delivery of one event.
func (d *daemon) sendOne(t *testing.T, source, native string) (a answer) {
	t.Helper()
	text := d.forebay(t, "send", source, native, "--json")
	if err := json.Unmarshal([]byte(text), &a); err != nil || len(a.IDs) != 1 {
		t.Fatalf("send %s %s: %v: %s", source, native, err, text)
	}
	return a
}

// wantSubjects waits for these events, and compares their subjects, by "<source>/<event id>".
func (d *daemon) wantSubjects(t *testing.T, want map[string]string) {
	t.Helper()
	got := map[string]string{}
	for _, m := range d.stream(t, len(want)) {
		got[m.id()] = m.Subject
	}
	for id, subject := range want {
		if got[id] != subject {
			t.Errorf("%s is on %q, want %q", id, got[id], subject)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d events in the stream, want %d", len(got), len(want))
	}
}

// A verified delivery that nobody can read is answered with a success and is found in the quarantine, sealed.
func TestQuarantine(t *testing.T) {
	d := newDaemon(t, forebayYAML)
	d.run(t)
	target := d.target(t, "mgpass")
	made, err := target.make("token.issued")
	if err != nil {
		t.Fatal(err)
	}
	made.request.Body = []byte(`{"note":"no event at all"}`)
	if err := target.signer.Sign(&made.request); err != nil {
		t.Fatal(err)
	}
	if a := target.post(t.Context(), made); a.Status != http.StatusOK || a.Stored != schema.StoredJournal {
		t.Fatalf("answer: %+v", a)
	}
	var id string
	check(t, poll(func() error {
		all, err := d.messages(t, "IDENTITY_QUARANTINE")
		if err != nil || len(all) != 1 {
			return fmt.Errorf("%d in quarantine: %w", len(all), err)
		}
		id = all[0].id()
		return nil
	}))
	stdout, stderr, code := call(t, "--config", d.config(), "show", "--json", id)
	if code != 0 || !strings.Contains(stdout, `"subject":"identity-quarantine.mgpass"`) || !strings.Contains(stdout, `"sealed":`) {
		t.Fatalf("show %s: exit code %d: %s%s", id, code, stdout, stderr)
	}
	opened, stderr, code := callWith(t.Context(), stdout, "--config", d.config(), "seal", "open")
	if code != 0 || !strings.Contains(opened, "no event at all") {
		t.Errorf("seal open: exit code %d: %s%s", code, opened, stderr)
	}
}

func (d *daemon) load() (*config.Config, error) {
	return config.Load(d.config(), config.Options{Getenv: os.Getenv, Providers: providerNames(), Jobs: jobNames()})
}

// target is what send would send to.
func (d *daemon) target(t *testing.T, source string) *target {
	t.Helper()
	c, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	target, err := (&sendCommand{Provider: source}).target(c)
	if err != nil {
		t.Fatal(err)
	}
	return target
}

// post sends one delivery that was made before.
func (t *target) post(ctx context.Context, d delivery) (a answer) {
	a.cause = t.deliver(ctx, d, &a)
	return a
}

// stream waits until the stream has so many messages, and gives them in order.
func (d *daemon) stream(t *testing.T, count int) (all []stored) {
	t.Helper()
	check(t, poll(func() (err error) {
		all, err = d.messages(t, "IDENTITY")
		if err == nil && len(all) < count {
			err = fmt.Errorf("%d messages in the stream, want %d", len(all), count)
		}
		return err
	}))
	return all
}

// messages reads all that a stream has.
func (d *daemon) messages(t *testing.T, stream string) (all []stored, err error) {
	c, err := d.load()
	if err != nil {
		return nil, err
	}
	client, err := connect(t.Context(), c, newLog(t.Output()))
	if err != nil {
		return nil, err
	}
	defer client.close()
	s, err := client.stream(t.Context(), stream)
	if err != nil {
		return nil, err
	}
	err = scan{stream: s, high: math.MaxUint64}.run(t.Context(), func(m jetstream.Msg, _ *jetstream.MsgMetadata) error {
		one, err := storedMsg(m)
		all = append(all, one)
		return err
	})
	return all, err
}

func check(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// wantOnce fails unless the stream has every ID, and none twice. It gives the order of the IDs.
func wantOnce(t *testing.T, all []stored, ids []string) (order []string) {
	t.Helper()
	count := map[string]int{}
	for _, m := range all {
		count[m.id()]++
		order = append(order, m.id())
	}
	lost, twice := 0, 0
	for _, id := range ids {
		if count[id] == 0 {
			lost++
		}
	}
	for _, n := range count {
		if n > 1 {
			twice++
		}
	}
	t.Logf("%d accepted, %d in the stream", len(ids), len(all))
	if lost > 0 || twice > 0 {
		t.Errorf("%d lost, %d twice; want 0 and 0", lost, twice)
	}
	return order
}
