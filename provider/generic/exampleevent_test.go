package generic_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// What the examples make of single events, where a map alone does not tell.
func TestExamplesDecode(t *testing.T) {
	zitadel := func(name string) string {
		return `{"event_type":"` + name + `","aggregateID":"1","aggregateType":"user","instanceID":"i","sequence":1}`
	}
	okta := func(name, result string) string {
		return `{"data":{"events":[{"uuid":"u","eventType":"` + name + `","outcome":{"result":"` + result + `"}}]}}`
	}
	keycloak := func(name, more string) string { return `{"uid":"u","type":"` + name + `"` + more + `}` }
	for _, c := range []struct {
		example, body string
		action        schema.Action
		outcome       schema.Outcome
	}{
		{"zitadel", zitadel("user.added"), "user.created", schema.Success},
		{"zitadel", zitadel("user.selfregistered"), "user.created", schema.Success},
		{"zitadel", zitadel("user.profile.changed"), "user.updated", schema.Success},
		{"zitadel", zitadel("user.address.changed"), "user.updated", schema.Success},
		{"zitadel", zitadel("user.signed.out"), "session.ended", schema.Success},
		{"okta", okta("user.session.start", "DENY"), "login.failed", schema.Failure},
		{"okta", okta("user.session.start", "ALLOW"), "login.succeeded", schema.Success},
		{"okta", okta("user.authentication.auth_via_mfa", "DENY"), "mfa.failed", schema.Failure},
		{"keycloak", keycloak("access.UPDATE_PASSWORD", ""), "password.changed", schema.Success},
		{"keycloak", keycloak("access.UPDATE_PASSWORD_ERROR", ""), "other.access_update_password_error", schema.Failure},
		{"keycloak-bearer", keycloak("access.UPDATE_PASSWORD_ERROR", ""), "other.access_update_password_error", schema.Failure},
		{"keycloak", keycloak("admin.USER-ACTION", `,"resourcePath":"users/abc/reset-password"`), "password.reset", schema.Success},
		{"keycloak", keycloak("admin.USER-ACTION", `,"resourcePath":"users/abc/logout"`), "session.revoked", schema.Success},
		{"keycloak", keycloak("admin.USER-ACTION", `,"resourcePath":"users/abc"`), "other.admin_user_action", schema.Success},
	} {
		p := mustBuild(t, readFile(t, "testdata/"+c.example+".yaml"), secretOf(c.example), noon)
		wantEvent(t, p, c.body, c.action, c.outcome)
	}
}

// The exact value counts first, then the longer pattern. What is not there fits no pattern.
func TestOutcomePatterns(t *testing.T) {
	p := mustBuild(t, minimal("hmac: {headers: [X]}")+
		`      outcome: {from: /result, success: ["*_OK", DONE_BAD], failure: ["*", "*_BAD"], unknown: ["X_*_BAD"]}`+"\n", "s", noon)
	for value, want := range map[string]schema.Outcome{
		`"A_OK"`: schema.Success, `"DONE_BAD"`: schema.Success, `"A_BAD"`: schema.Failure, `"X_A_BAD"`: schema.Unknown,
		`"?"`: schema.Failure, `""`: schema.Success, `null`: schema.Success,
	} {
		wantEvent(t, p, `{"type":"a","result":`+value+`}`, "other.a", want)
	}
}

func wantEvent(t *testing.T, p provider.Provider, body string, action schema.Action, outcome schema.Outcome) {
	t.Helper()
	events, err := p.Decode(request(http.MethodPost, "/", nil, body))
	if err != nil || len(events) != 1 {
		t.Fatalf("%s: %d events, %v", body, len(events), err)
	}
	var message schema.Event
	err = json.Unmarshal(encode(t, events[0]).Body, &message)
	if err != nil || message.Action != action || message.Outcome != outcome {
		t.Errorf("%s: got %s, %s, %v; want %s, %s", body, message.Action, message.Outcome, err, action, outcome)
	}
}
