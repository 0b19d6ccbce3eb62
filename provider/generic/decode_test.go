package generic_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/schema"
)

const oktaBody = `{"eventType":"com.okta.event_hook","eventId":"d-1","data":{"events":[` +
	`{"uuid":"u-1","published":"2026-01-15T09:30:00.123Z","eventType":"user.session.start","outcome":{"result":"SUCCESS"},` +
	`"actor":{"id":"00u1","type":"User","alternateId":"ada@example.com","displayName":"Ada"},"client":{"ipAddress":"203.0.113.7"},"target":null},` +
	`{"uuid":"u-2","published":"2026-01-15T09:30:01Z","eventType":"user.session.start","outcome":{"result":"FAILURE","reason":"INVALID_CREDENTIALS"},` +
	`"actor":{"id":"00u1","type":"User"}},` +
	`{"uuid":"u-3","published":"2026-01-15T09:30:02Z","eventType":"group.user_membership.add","outcome":{"result":"SUCCESS"},` +
	`"actor":{"id":"sys","type":"SystemPrincipal"},"target":[{"id":"00g1","type":"UserGroup","displayName":"Staff"},{"id":"00u2","type":"User"}]},` +
	`{"uuid":"u-4","published":"2026-01-15T09:30:03Z","eventType":"user.lifecycle.delete.initiated","outcome":{"result":"DENY"},"target":[{"id":"00u3","type":"User"}]},` +
	`{"eventType":"policy.rule.update","outcome":{"result":"ALLOW"}}]}}`

func TestOktaBatch(t *testing.T) {
	p := mustBuild(t, readFile(t, "testdata/okta.yaml"), "s", noon)
	events, err := p.Decode(request(http.MethodPost, "/", nil, oktaBody))
	if err != nil || len(events) != 5 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	for i, want := range []struct {
		id      string
		action  schema.Action
		outcome schema.Outcome
		user    string
	}{
		{"u-1", "login.succeeded", schema.Success, "00u1"},
		{"u-2", "login.failed", schema.Failure, "00u1"},
		{"u-3", "group.member_added", schema.Success, "00u2"},
		{"u-4", "user.deleted", schema.Failure, "00u3"},
		{sha256Hex(`{"eventType":"policy.rule.update","outcome":{"result":"ALLOW"}}`), "other.policy_rule_update", schema.Success, ""},
	} {
		e := events[i]
		user := ""
		if e.User != nil {
			user = e.User.ID
		}
		if e.ID != want.id || e.Action != want.action || e.Outcome != want.outcome || user != want.user {
			t.Errorf("event %d: got %s %s %s %q, want %+v", i, e.ID, e.Action, e.Outcome, user, want)
		}
		encode(t, e)
	}
	if e := events[2]; e.Group.ID != "00g1" || e.Group.Name != "Staff" || e.Actor.Type != "system" {
		t.Errorf("got %+v %+v", e.Group, e.Actor)
	}
	if e := events[3]; e.Actor != nil {
		t.Errorf("an actor without a type: %+v", e.Actor)
	}
}

func TestDecode(t *testing.T) {
	const members = `      id: /id
      time: /at
      time_format: s
      subject: /user/id
      members:
        user.email: "/user/e~1mail | /mail"
        user.email_verified: /verified
        user.custom.plan: /plan
        user.address.country: /country
        user.custom.first: /list/0
        client.user_agent: header:User-Agent
        reason: "{/a}-{/b}"
        actor.type: /role
        actor.id: /by
      outcome: {from: /result, success: [ok], failure: ["no"], unknown: ["?"]}
      commands: [otp.requested]
      actions:
        send_code: otp.requested
        user.*: same
        member.*: membership.*
        "*.failed": login.failed
        "a.*.c.*": token.issued
        state if /on is true: user.enabled
        state if /on is false: user.disabled
        "7": key.rotated
`
	p := mustBuild(t, minimal("hmac: {headers: [X]}")+members, "s", noon)
	for _, c := range []struct{ body, want string }{
		{`{"type":"send_code","id":"1"}`, `{"action":"otp.requested","id":"1","native":"send_code","outcome":"unknown","semantics":"command"}`},
		{`{"type":"user.created","id":2,"at":1768469400,"user":{"id":7,"e/mail":"ada@example.com"}}`,
			`{"action":"user.created","id":"2","native":"user.created","time":"2026-01-15T09:30:00Z","user":{"email":"ada@example.com","id":"7"}}`},
		{`{"type":"user.invented","id":"3","at":"1768469400"}`, `{"action":"other.user_invented","id":"3","native":"user.invented","time":"2026-01-15T09:30:00Z"}`},
		{`{"type":"member.created","id":"4","mail":"","verified":true,"plan":{"a":1.0},"country":"GB","list":[[2]]}`,
			`{"action":"membership.created","id":"4","native":"member.created","user":{"address":{"country":"GB"},"custom":{"first":[2],"plan":{"a":1}},"email_verified":true}}`},
		{`{"type":"x.failed","id":"5","verified":"yes","a":"1","b":"2"}`, `{"action":"login.failed","id":"5","native":"x.failed","outcome":"failure","reason":"1-2"}`},
		{`{"type":"a.b.c.d","id":"6","a":"1","plan":null}`, `{"action":"token.issued","id":"6","native":"a.b.c.d"}`},
		{`{"type":"state","id":"7","on":true}`, `{"action":"user.enabled","id":"7","native":"state"}`},
		{`{"type":"state","id":"8","on":false}`, `{"action":"user.disabled","id":"8","native":"state"}`},
		{`{"type":"state","id":"9"}`, `{"action":"other.state","id":"9","native":"state"}`},
		{`{"type":7,"id":"10","role":"admin","by":"u"}`, `{"action":"key.rotated","actor":{"id":"u","type":"admin"},"id":"10","native":"7"}`},
		{`{"type":"user.created","id":"11","role":"robot","by":"u"}`, `{"action":"user.created","id":"11","native":"user.created"}`},
		{`{"type":"user.created","id":"12","result":"no"}`, `{"action":"user.created","id":"12","native":"user.created","outcome":"failure"}`},
		{`{"type":"user.created","id":"13","at":"2026-01-15T09:30:00Z"}`, `{"action":"user.created","id":"13","native":"user.created"}`},
		{`{"type":"user.created","id":""}`, `{"action":"user.created","id":"` + sha256Hex(`{"type":"user.created","id":""}`) + `","native":"user.created"}`},
		{`{"type":""}`, ""}, {`{}`, ""}, {`[]`, ""}, {`{"type":{}}`, ""}, {`x`, ""}, {``, ""}, {`{"type":"a"} {}`, ""},
	} {
		events, err := p.Decode(request(http.MethodPost, "/", nil, c.body))
		if (err != nil) != (c.want == "") {
			t.Errorf("%s: %v", c.body, err)
		}
		if err != nil {
			continue
		}
		var got map[string]any
		unmarshal(t, string(encode(t, events[0]).Body), &got)
		for name, usual := range map[string]any{
			"source": "test", "provider": "generic", "received": "2026-03-01T12:00:00Z", "time": "2026-03-01T12:00:00Z",
			"outcome": "success", "semantics": "notice",
		} {
			if got[name] == usual {
				delete(got, name)
			}
		}
		delete(got, "payload")
		if g := marshal(t, got); g != c.want {
			t.Errorf("%s\ngot  %s\nwant %s", c.body, g, c.want)
		}
	}
}

func TestBatches(t *testing.T) {
	p := mustBuild(t, minimal("hmac: {headers: [X]}")+"      events: \"\"\n      id: /id\n", "s", noon)
	for body, want := range map[string]int{
		`[]`: 0, `[{"type":"a","id":"1"},{"type":"b","id":"2"}]`: 2, `[{"type":"a"},{}]`: -1, `[{"type":"a"},7]`: -1,
		`{"type":"a"}`: -1, `null`: -1,
	} {
		events, err := p.Decode(request(http.MethodPost, "/", nil, body))
		if (err != nil) != (want < 0) || err == nil && len(events) != want {
			t.Errorf("%s: %d events, %v; want %d", body, len(events), err, want)
		}
	}
}

// Passwords are sealed wherever they stand, what the configuration names is, and tokens of events that nobody knows are.
func TestSensitive(t *testing.T) {
	p := mustBuild(t, minimal("hmac: {headers: [X]}")+"      sensitive: [payload.data.code]\n      actions: {known: user.created}\n", "s", noon)
	for native, token := range map[string]bool{"known": true, "unknown": false} {
		body := `{"type":"` + native + `","data":{"code":"c0de","list":[{"password":"pa55"}],"token":"t0ken"}}`
		events, err := p.Decode(request(http.MethodPost, "/", nil, body))
		if err != nil {
			t.Fatal(err)
		}
		body = sealed(t, events[0])
		for word, clear := range map[string]bool{"c0de": false, "pa55": false, "t0ken": token} {
			if got := strings.Contains(body, word); got != clear {
				t.Errorf("%s: %s in clear: %t, want %t", native, word, got, clear)
			}
		}
	}
}

// sealed is the body of an event's message.
func sealed(t testing.TB, e schema.Event) string {
	t.Helper()
	e.Source, e.Received = "test", noon
	m, err := (schema.Wire{Prefix: "identity", Seal: providertest.Sealer(t)}).Encode(e, "")
	if err != nil {
		t.Fatal(err)
	}
	return string(m.Body)
}

func TestAccepts(t *testing.T) {
	p := mustBuild(t, readFile(t, "testdata/kinde.yaml"), "", noon)
	if a := p.(provider.Accepter).Accepts(); len(a.ContentTypes) != 1 || a.ContentTypes[0] != "application/jwt" {
		t.Errorf("got %+v", a)
	}
}
