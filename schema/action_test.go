package schema

import (
	_ "embed"
	"maps"
	"slices"
	"strings"
	"testing"
)

// documented is the table of actions in the documentation: action, lane, lifetime.
//
//go:embed testdata/actions.txt
var documented string

func TestCatalogueIsTheDocumentedOne(t *testing.T) {
	var got strings.Builder
	for _, a := range Actions() {
		lane, lifetime := "normal", "-"
		if a.Urgent {
			lane = "urgent"
		}
		if a.Lifetime > 0 {
			lifetime = strings.TrimSuffix(a.Lifetime.String(), "0s") + "in"
		}
		got.WriteString(string(a.Action) + " " + lane + " " + lifetime + "\n")
	}
	if got.String() != documented {
		t.Errorf("got:\n%s\nwant:\n%s", got.String(), documented)
	}
}

func TestCatalogueIsValid(t *testing.T) {
	seen := make(map[Action]bool)
	urgent, lifetimes := Urgent(), Lifetimes()
	for _, a := range Actions() {
		if !a.Action.Valid() || a.Meaning == "" || seen[a.Action] {
			t.Errorf("%s: invalid, without a meaning, or listed twice", a.Action)
		}
		seen[a.Action] = true
		if got := slices.Contains(urgent, a.Action); got != a.Urgent {
			t.Errorf("%s: in Urgent %v, want %v", a.Action, got, a.Urgent)
		}
		if got := lifetimes[a.Action]; got != a.Lifetime {
			t.Errorf("%s: in Lifetimes %v, want %v", a.Action, got, a.Lifetime)
		}
	}
	for _, a := range append(urgent, slices.Collect(maps.Keys(lifetimes))...) {
		if !seen[a] {
			t.Errorf("%s: not in the catalogue", a)
		}
	}
}

func TestActionValid(t *testing.T) {
	for a, want := range map[Action]bool{
		"otp.requested": true, "a.b": true, "other.x9lives_": true,
		"other." + Action(strings.Repeat("a", 64)): true, "other." + Action(strings.Repeat("a", 65)): false,
		"": false, "otp": false, "otp.": false, ".requested": false, "otp.requested.now": false, "Otp.requested": false,
		"otp.9": false, "_otp.requested": false, "otp.re-quested": false, "otp.re quested": false, "otp.*": false,
		"otp.>": false, "otp.réquested": false, "otp.requested\n": false,
	} {
		if got := a.Valid(); got != want {
			t.Errorf("%q: valid %v, want %v", a, got, want)
		}
	}
}

func TestOther(t *testing.T) {
	for native, want := range map[string]Action{
		"rewards.points_awarded": "other.rewards_points_awarded",
		"9lives!":                "other.x9lives_",
		"":                       "other.x",
		"_private":               "other.x_private",
		"UserCreated":            "other.usercreated",
		"a--b":                   "other.a__b",
		"größe":                  "other.gr__e",
		"日本":                     "other.x__",
		"path/with/slashes":      "other.path_with_slashes",
		"a b\r\nNats-Msg-Id: x":  "other.a_b__nats_msg_id__x",
		"https://schemas.openid.net/secevent/risc/event-type/opt-in":             "other.risc_opt_in",
		"https://schemas.identity.wso2.org/events/login/event-type/loginSuccess": "other.login_loginsuccess",
		"http://schemas.openid.net/event/backchannel-logout":                     "other.backchannel_logout",
		"urn:ietf:params:event:SCIM:prov:create":                                 "other.create",
		"https://example.com/events#Deleted":                                     "other.deleted",
		"https://example.com/events/":                                            "other.x",
		strings.Repeat("A", 100):                                                 "other." + Action(strings.Repeat("a", 64)),
		strings.Repeat("9", 64):                                                  "other.x" + Action(strings.Repeat("9", 63)),
		"connected_account.oauth_succeeded":                                      "other.connected_account_oauth_succeeded",
		"not a scheme:x":                                                         "other.not_a_scheme_x",
		"9:x":                                                                    "other.x9_x",
	} {
		if got := Other(native); got != want {
			t.Errorf("%q: got %s, want %s", native, got, want)
		}
	}
}

func FuzzOther(f *testing.F) {
	for _, s := range []string{"", "9lives!", "a:/event-type/", "x/event-type/y", "\xff\xfe", "urn::"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, native string) {
		if a := Other(native); !a.Valid() || a.Category() != CategoryOther {
			t.Errorf("%q: %q is not a valid action of category other", native, a)
		}
	})
}
