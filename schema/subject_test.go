package schema

import (
	"strings"
	"testing"
)

func TestSubject(t *testing.T) {
	got, err := Subject("identity", "ssofy", "otp.requested")
	if want := "identity.ssofy.otp.requested"; err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	for _, c := range []struct {
		prefix, source string
		action         Action
		member         string
	}{
		{"", "ssofy", "otp.requested", "prefix"},
		{"a.b", "ssofy", "otp.requested", "prefix"},
		{"identity.*", "ssofy", "otp.requested", "prefix"},
		{"identity", "", "otp.requested", "source"},
		{"identity", "a.b", "otp.requested", "source"},
		{"identity", "*", "otp.requested", "source"},
		{"identity", "-a", "otp.requested", "source"},
		{"identity", "Acme", "otp.requested", "source"},
		{"identity", strings.Repeat("a", 65), "otp.requested", "source"},
		{"identity", "ssofy", "otp", "action"},
		{"identity", "ssofy", "otp.>", "action"},
		{"identity", "ssofy", "otp.requested\r\n", "action"},
	} {
		if _, err := Subject(c.prefix, c.source, c.action); err == nil || !strings.HasPrefix(err.Error(), c.member) {
			t.Errorf("%q %q %q: got %v, want an error that names %s", c.prefix, c.source, c.action, err, c.member)
		}
	}
}

func TestParseSubjectIsStrict(t *testing.T) {
	for _, s := range []string{
		"", "identity", "identity.", "identity.ssofy", "identity.ssofy.otp", "identity.ssofy.otp.requested.now",
		"identity..otp.requested", "other.ssofy.otp.requested", "identity.ssofy.otp.Requested", "identityssofy.otp.requested",
		"identity-redrive.otp.ssofy.otp.requested",
	} {
		if source, a, err := ParseSubject("identity", s); err == nil {
			t.Errorf("%q: got %q, %q, want an error", s, source, a)
		}
	}
}

func TestAnySubject(t *testing.T) {
	for subject, ok := range map[string]bool{
		"identity.ssofy.otp.requested":               true,
		"identity-redrive.codes.ssofy.otp.requested": true,
		"identity-dead.codes.ssofy.otp.requested":    true,
		"red-dead.ssofy.otp.requested":               true, // a prefix of the operator's choice
		"identity.codes.ssofy.otp.requested":         false,
		"identity-redrive.codes.ssofy.9":             false,
		"identity-redrive":                           false,
		"identity-dead.":                             false,
		"":                                           false,
	} {
		source, a, err := anySubject(subject)
		if (err == nil) != ok || ok && (source != "ssofy" || a != "otp.requested") {
			t.Errorf("%q: got %q, %q, %v, want ok %v", subject, source, a, err, ok)
		}
	}
}

func FuzzSubject(f *testing.F) {
	f.Add("identity", "ssofy", "otp.requested", "ssofy", "otp.sent")
	f.Add("identity", "a", "b.c", "a-b", "c.d")
	f.Add("identity", "a.b", "c.d", "a", "b.c.d")
	f.Add("identity", "a", "b.c\r\n", "*", ">")
	f.Fuzz(func(t *testing.T, prefix, source1, action1, source2, action2 string) {
		one, err1 := Subject(prefix, source1, Action(action1))
		two, err2 := Subject(prefix, source2, Action(action2))
		if err1 != nil || err2 != nil {
			return
		}
		if same := source1 == source2 && action1 == action2; same != (one == two) {
			t.Errorf("%q %q and %q %q: %q and %q", source1, action1, source2, action2, one, two)
		}
		if strings.Count(one, ".") != 3 || strings.ContainsAny(one, "*> \t\r\n\x00") {
			t.Errorf("%q: not four plain tokens", one)
		}
		source, a, err := ParseSubject(prefix, one)
		if err != nil || source != source1 || a != Action(action1) {
			t.Errorf("%q: read back as %q, %q, %v", one, source, a, err)
		}
	})
}

func FuzzParseSubject(f *testing.F) {
	for _, s := range []string{"identity.ssofy.otp.requested", "identity.a.b", "identity.*.>", "identity-dead.a.b.c.d"} {
		f.Add("identity", s)
	}
	f.Fuzz(func(t *testing.T, prefix, subject string) {
		source, a, err := ParseSubject(prefix, subject)
		if err != nil {
			return
		}
		if built, err := Subject(prefix, source, a); err != nil || built != subject {
			t.Errorf("%q: built again as %q, %v", subject, built, err)
		}
	})
}
