package main

import "testing"

func TestSubjectFilter(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "identity.>",
		"*":                            "identity.>",
		"otp.requested":                "identity.*.otp.requested",
		"user.*":                       "identity.*.user.*",
		"*.created":                    "identity.*.*.created",
		"otp.>":                        "identity.*.otp.>",
		"source:ssofy":                 "identity.ssofy.>",
		"source:b2b-eu_1":              "identity.b2b-eu_1.>",
		"identity.>":                   "identity.>",
		"identity.ssofy.>":             "identity.ssofy.>",
		"identity.*.otp.>":             "identity.*.otp.>",
		"identity.ssofy.otp.requested": "identity.ssofy.otp.requested",
		"identity-redrive.otp.>":       "identity-redrive.otp.>",
		"identity.linked":              "identity.*.identity.linked", // an action
		"identity.*":                   "identity.*.identity.*",
	} {
		got, err := subjectFilter("identity", text)
		if err != nil || got != want {
			t.Errorf("subjectFilter(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{
		"user", "source:", "source:A b", "a.b.c", "Otp.requested", "identity.a..b", "identity.>.a.b",
		"identity.a b.c.d", "other.prefix.x.y",
	} {
		if got, err := subjectFilter("identity", text); err == nil {
			t.Errorf("subjectFilter(%q) = %q, want an error", text, got)
		}
	}
}
