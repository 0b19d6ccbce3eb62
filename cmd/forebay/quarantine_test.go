package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// What today's provider reads is published once, as the way in would have, and is gone from the quarantine.
func TestRelease(t *testing.T) {
	for name, sealed := range map[string]bool{"sealed": true, "in clear": false} {
		t.Run(name, func(t *testing.T) {
			w := newWard(t, sealed).serve()
			id := w.keep("rewards", event("evt_1"), "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
			stdout, _ := w.run(0, "list", "--json")
			wantSays(t, stdout, id, fmt.Sprintf(`"sealed":%v`, sealed), `"received":"2026-03-01T12:00:00.031Z"`)
			shown, _ := w.run(0, "show", id)
			wantSays(t, shown, "POST /webhooks/rewards?a=b HTTP/1.1\r\n", event("evt_1"), "did not know it")

			stdout, _ = w.run(0, "release", "--all", "--dry-run")
			wantSays(t, stdout, "readable", "identity.rewards.token.issued  rewards/evt_1", "1 would be published, 0 are")
			stdout, _ = w.run(0, "release", "--all", "--dry-run", "--json")
			wantSays(t, stdout, `"state":"ready","event":{"id":"evt_1","action":"token.issued"`)
			w.wantIDs()
			w.wantKept(1)

			stdout, _ = w.run(0, "release", id)
			wantSays(t, stdout, "released", "accepted  identity.rewards.token.issued  rewards/evt_1", "1 deliveries: 1 released, 0 not")
			w.wantIDs("rewards/evt_1")
			w.wantKept(0)
			if stdout, _ = w.run(0, "list"); stdout != "" {
				t.Errorf("list after the release: %s", stdout)
			}
			m := w.stored("IDENTITY")[0]
			e, err := schema.Parse(m.Subject, m.Header, m.Data)
			if err != nil || !e.Received.Equal(longAgo) || e.Source != "rewards" || e.Provider != "mgpass" {
				t.Errorf("event: %+v, %v", e, err)
			}
			wantSays(t, m.Header.Get(schema.HeaderTraceparent), "00-4bf92f3577b34da6a3ce929d0e0e4736-")
			_, stderr := w.run(1, "release", id)
			wantSays(t, stderr, "nothing found")
		})
	}
}

// Sensitive members are sealed when they are released.
func TestReleaseSeals(t *testing.T) {
	w := newWard(t, true).serve()
	w.keep("staff", `{"id":"evt_1","type":"user.imported","data":{"password":"c0rrect horse"}}`)
	w.run(0, "release", "--all")
	w.wantIDs("staff/evt_1")
	all := w.stored("IDENTITY")
	if len(all) != 1 || bytes.Contains(all[0].Data, []byte("c0rrect")) || !bytes.Contains(all[0].Data, []byte(`{"sealed":"`)) {
		t.Errorf("released: %d events, %s", len(all), all[0].Data)
	}
}

// The provider has repeated the delivery meanwhile, or a release was interrupted before it could delete: the event is
// in the stream, whose duplicate window is over.
func TestReleaseOfWhatTheStreamHas(t *testing.T) {
	w := newWard(t, false)
	had := nats.Header{schema.HeaderMsgID: {"rewards/evt_1"}}
	w.publish("identity.rewards.other.earlier_name", had, nil)
	w.serve()
	w.keep("rewards", event("evt_0"))
	w.run(0, "release", "--all")
	w.wantIDs("rewards/evt_1", "rewards/evt_0")
	probes := w.forget()

	w.keep("rewards", event("evt_1"))
	w.keep("rewards", event("evt_1"), "Retry: 1")
	w.keep("rewards", event("evt_2"), "Retry: 2")
	w.keep("rewards", event("evt_2"), "Retry: 3")
	stdout, _ := w.run(0, "release", "--all", "--dry-run")
	wantSays(t, stdout, "1 would be published, 3 are in the stream already")
	stdout, _ = w.run(0, "release", "--all")
	wantSays(t, stdout, "4 deliveries: 4 released, 0 not; events: 1 accepted, 3 were stored before")
	w.wantIDs(slices.Concat([]string{"rewards/evt_1", "rewards/evt_0"}, probes, []string{"rewards/evt_2"})...)
	w.wantKept(0)
}

// What the provider repeats after the release, when the stream's duplicate window is over, is a duplicate: the journal
// knows what was released. So is a release that is called twice for one delivery.
func TestRepetitionAfterRelease(t *testing.T) {
	w := newWard(t, true).serve()
	w.keep("staff", event("evt_1"))
	w.keep("staff", event("evt_1"), "Retry: 1")
	stdout, _ := w.run(0, "release", "--all")
	wantSays(t, stdout, "2 deliveries: 2 released, 0 not; events: 1 accepted, 1 were stored before")
	w.wantIDs("staff/evt_1")
	probes := w.forget()
	w.deliver("staff", event("evt_1"))
	w.keep("staff", event("evt_1"), "Retry: 2")
	w.run(0, "release", "--all")
	check(t, w.stop()) // which waits until everything is published
	w.wantIDs(append([]string{"staff/evt_1"}, probes...)...)
}

// With ack: stream a release is acknowledged by the stream, and called twice it is one event too.
func TestReleaseToTheStream(t *testing.T) {
	w := newWard(t, true, "stream").serve()
	w.keep("staff", event("evt_1"))
	w.keep("staff", event("evt_1"), "Retry: 1")
	stdout, _ := w.run(0, "release", "--all")
	wantSays(t, stdout, "2 deliveries: 2 released, 0 not; events: 1 accepted, 1 were stored before")
	w.wantIDs("staff/evt_1")
	w.wantKept(0)
	w.deliver("staff", event("evt_1"))
	w.wantIDs("staff/evt_1")
}

// Without a running forebay nothing is released, and the command says what is missing.
func TestReleaseWithoutForebay(t *testing.T) {
	w := newWard(t, false)
	w.keep("rewards", event("evt_1"))
	_, stderr := w.run(1, "release", "--all")
	wantSays(t, stderr, "stopped after 0 of 1 deliveries", `is "forebay serve" running?`)
	w.wantKept(1)
	w.wantIDs()
	stdout, _ := w.run(0, "release", "--all", "--dry-run")
	wantSays(t, stdout, "1 would be published")
}

// Only a program may release, and only what was verified when it came.
func TestReleaseIsGuarded(t *testing.T) {
	w := newWard(t, false).serve()
	w.keep("rewards", event("evt_1"))
	genuine := quarantinedOf(1, w.stored("IDENTITY_QUARANTINE")[0].Data).Request
	asked := func(seq uint64, request []byte) string {
		text, err := json.Marshal(releaseRequest{Seq: seq, Request: request})
		check(t, err)
		return string(text)
	}
	forged := bytes.Replace(genuine, []byte("usr_7k2m9"), []byte("usr_other"), 1)
	const ours, plain = releaseHeader + ": 1", "Content-Type: application/json"
	for _, c := range []struct {
		body    string
		status  int
		headers []string
	}{
		{asked(1, genuine), 403, []string{plain}},
		{asked(1, genuine), 403, []string{ours, "Content-Type: text/plain"}},
		{asked(1, genuine), 403, []string{ours, plain, "Origin: http://" + w.admin}},
		{asked(1, genuine), 403, []string{ours, plain, "Sec-Fetch-Site: none"}},
		{asked(1, forged), 409, []string{ours, plain}},
		{asked(2, genuine), 410, []string{ours, plain}},
		{"{", 400, []string{ours, plain}},
		{strings.Repeat(" ", 3<<20), 413, []string{ours, plain}},
	} {
		if got := w.ask(c.body, c.headers); got != c.status {
			t.Errorf("%q and %.40q: answered %d, want %d", c.headers, c.body, got, c.status)
		}
	}
	w.wantIDs()
	if got := w.ask(asked(1, genuine), []string{ours, plain}); got != 200 {
		t.Errorf("answered %d", got)
	}
	w.wantIDs("rewards/evt_1")
}

// What comes into the stream between the first look and a publication is found by another look, once the duplicate
// window might not cover it.
func TestHeldLooksAgain(t *testing.T) {
	w := newWard(t, false)
	client, err := connect(t.Context(), w.loaded(), newLog(t.Output()))
	check(t, err)
	defer client.close()
	h, err := newHeld(t.Context(), &quarantine{client: client, config: w.loaded()}, func(string, ...any) {})
	check(t, err)
	has := func(id string) bool {
		t.Helper()
		got, err := h.has(t.Context(), id)
		check(t, err)
		return got
	}
	h.want("rewards", longAgo, []schema.Message{{ID: "rewards/1"}, {ID: "rewards/2"}})
	check(t, h.look(t.Context()))
	w.publish("identity.rewards.a.b", nats.Header{schema.HeaderMsgID: {"rewards/1"}}, nil)
	if has("rewards/1") {
		t.Error("looked again although the duplicate window covers it")
	}
	h.looked = h.looked.Add(-h.window)
	if !has("rewards/1") || has("rewards/2") {
		t.Errorf("after another look: %v, want the first alone", h.there)
	}
	h.looked = h.looked.Add(-h.window)
	w.publish("identity.rewards.a.b", nats.Header{schema.HeaderMsgID: {"rewards/2"}}, nil)
	if !has("rewards/2") || h.seen != 2 {
		t.Errorf("after a third look at #%d: %v", h.seen, h.there)
	}
}

// Interrupted after the first delivery, the others are in quarantine; called again, every event is there once.
func TestReleaseInterrupted(t *testing.T) {
	w := newWard(t, true).serve()
	for i := range 5 {
		w.keep("rewards", event(fmt.Sprintf("evt_%d", i)))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var out, log bytes.Buffer
	stop := writer(func(p []byte) (int, error) { cancel(); return out.Write(p) })
	args := []string{"--config", w.config(), "quarantine", "release", "--all", "--json", "--key", w.key}
	if code := run(ctx, args, os.Getenv, strings.NewReader(""), stop, &log); code != 1 {
		t.Errorf("exit code %d, want 1", code)
	}
	wantSays(t, log.String(), "stopped after 1 of 5 deliveries, the rest is still in quarantine")
	w.wantIDs("rewards/evt_0")
	w.wantKept(4)
	stdout, _ := w.run(0, "release", "--all")
	wantSays(t, stdout, "4 deliveries: 4 released, 0 not; events: 4 accepted")
	w.wantIDs("rewards/evt_0", "rewards/evt_1", "rewards/evt_2", "rewards/evt_3", "rewards/evt_4")
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

var _ io.Writer = writer(nil)

// One that cannot be read, an ID that is not there and another source keep no delivery back.
func TestReleaseSome(t *testing.T) {
	w := newWard(t, false).serve()
	first := w.keep("rewards", event("evt_1"))
	bad := w.keep("rewards", `{"id":"evt_2"}`)
	w.keep("staff", event("evt_3"))
	w.publish("identity-quarantine.staff", nil, []byte("none of ours"))

	stdout, stderr := w.run(1, "release", first, "staff/"+first, "quarantine-0")
	wantSays(t, stdout, "1 deliveries: 1 released")
	wantSays(t, stderr, "no delivery with the ID staff/"+first, "no delivery with the ID quarantine-0")
	w.wantIDs("rewards/evt_1")

	stdout, stderr = w.run(1, "release", "--source", "rewards")
	wantSays(t, stdout, "stays", "rewards   "+bad, "neither is a non-empty text")
	wantSays(t, stderr, "1 of 1 deliveries cannot be released and stay")
	_, stderr = w.run(1, "release", bad, "--source", "staff")
	wantSays(t, stderr, "no delivery with the ID "+bad+" is of source staff")

	stdout, _ = w.run(1, "release", "--all")
	wantSays(t, stdout, "3 deliveries: 1 released, 2 not", "stays     -", "#4", "not one")
	w.wantIDs("rewards/evt_1", "staff/evt_3")
	stdout, _ = w.run(0, "list")
	if strings.Count(stdout, "\n") != 2 {
		t.Errorf("list: %s", stdout)
	}
}

// A provider that panics has not read it, and what it says is not repeated.
func TestRereadPanic(t *testing.T) {
	r := rereader{wire: schema.Wire{Prefix: "identity"}}
	_, err := r.messages(panicking{}, provider.Request{Header: http.Header{}}, quarantined{})
	if err == nil || err.Error() != "panic: string" {
		t.Errorf("got %v", err)
	}
}

type panicking struct{ provider.Provider }

func (panicking) Decode(provider.Request) ([]schema.Event, error) { panic("c0rrect horse") }

// The request that is released is the one that was verified.
func TestChangedRequest(t *testing.T) {
	m, err := schema.Wire{Prefix: "identity"}.Quarantine(schema.Delivery{
		Source: "s", Provider: "mgpass", Received: longAgo, Request: []byte("GET / HTTP/1.1\r\n\r\n"),
	})
	check(t, err)
	d := quarantinedOf(1, m.Body)
	if _, err := (sealKey{}).open(d); err != nil {
		t.Errorf("as it was: %v", err)
	}
	d.Request[0] = 'P'
	if _, err := (sealKey{}).open(d); err == nil || !strings.Contains(err.Error(), "was changed") {
		t.Errorf("changed: %v", err)
	}
}

// Sealing hides what a request says and not how long it is.
func TestQuarantinedSize(t *testing.T) {
	_, public, err := schema.GenerateKey()
	check(t, err)
	sealer, err := schema.NewSealer(public)
	check(t, err)
	for size := range 70 {
		for _, seal := range []*schema.Sealer{nil, sealer} {
			m, err := schema.Wire{Prefix: "identity", Seal: seal}.Quarantine(schema.Delivery{
				Source: "s", Received: longAgo, Request: bytes.Repeat([]byte("x"), size),
			})
			check(t, err)
			if got := quarantinedOf(1, m.Body).size(); got != size {
				t.Errorf("size: got %d, want %d (sealed %v)", got, size, seal != nil)
			}
		}
	}
}

func TestPrintRequest(t *testing.T) {
	request := []byte("POST / HTTP/1.1\r\nX: \x1b[2J\r\n\r\n{\n\u202e}")
	var terminal, file bytes.Buffer
	check(t, printRequest(screen{Writer: &terminal, terminal: true}, request), printRequest(screen{Writer: &file}, request))
	if want := "POST / HTTP/1.1\nX: \\x1b[2J\n\n{\n\\u202e}\n"; terminal.String() != want {
		t.Errorf("terminal: got %q, want %q", &terminal, want)
	}
	if want := string(request) + "\n"; file.String() != want {
		t.Errorf("file: got %q, want %q", &file, want)
	}
	text, err := json.Marshal(shownOf(quarantined{}, []byte("\xff")))
	check(t, err)
	wantSays(t, string(text), `"base64":"/w=="`)
}
