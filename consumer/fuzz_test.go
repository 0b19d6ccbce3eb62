package consumer

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/forebayhq/forebay/schema"
)

// FuzzPattern: what a pattern chooses is what its filter on the server lets through, and no filter reaches beyond the
// events.
func FuzzPattern(f *testing.F) {
	for _, pattern := range []string{"*", "user.*", "otp.requested", "user.created", "*.*", ">", "user.>", "a.b.c", "", ".", "user.* "} {
		f.Add(pattern, "user.created")
		f.Add(pattern, "otp.requested")
	}
	f.Fuzz(func(t *testing.T, pattern, action string) {
		a := schema.Action(action)
		if !ValidPattern(pattern) || !a.Valid() {
			return
		}
		subject, err := schema.Subject("identity", "acme", a)
		if err != nil {
			t.Fatal(err)
		}
		filters := subjects("identity", "*", []string{pattern})
		if len(filters) != 1 || strings.Count(filters[0], ".") != 3 {
			t.Fatalf("filters of %q: %q", pattern, filters)
		}
		if got, want := server.SubjectMatchesFilter(subject, filters[0]), Matches(pattern, a); got != want {
			t.Errorf("%s by %s: the server says %v, we say %v", subject, filters[0], got, want)
		}
	})
}

// FuzzSubjects: a copy's subject tells which event it is of, and no two consumers share one.
func FuzzSubjects(f *testing.F) {
	f.Add("otp", "acme", "otp.requested", "mail")
	f.Add("a", "b", "c.d", "a.b")
	f.Fuzz(func(t *testing.T, name, source, action, other string) {
		subject, err := schema.Subject("identity", source, schema.Action(action))
		if err != nil || !validName(name) || !validName(other) {
			return
		}
		s := Stream{Name: "IDENTITY", Prefix: "identity"}
		event, ok := s.event(subject)
		if !ok || event != source+"."+action {
			t.Fatalf("event of %s: %q, %v", subject, event, ok)
		}
		for _, of := range []func(consumer, event string) string{s.redrive, s.dead} {
			if got, ok := s.event(of(name, event)); !ok || got != event {
				t.Errorf("event of %s: %q, %v", of(name, event), got, ok)
			}
			if of(name, event) == of(other, event) && name != other {
				t.Errorf("%s and %s share %s", name, other, of(name, event))
			}
		}
	})
}

// FuzzReason: the reason of a dead letter is one line of text, whatever an error says.
func FuzzReason(f *testing.F) {
	f.Add("connection refused")
	f.Add("a\r\nNats-Rollup: all\x00\x7f\xff")
	f.Add(strings.Repeat("é", 600))
	f.Fuzz(func(t *testing.T, text string) {
		line := oneLine(text)
		control := strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f })
		if len(line) > maxReason || !utf8.ValidString(line) || control {
			t.Errorf("got %q", line)
		}
	})
}

// FuzzSelector: an event is chosen by a user's ID only where its header says exactly that.
func FuzzSelector(f *testing.F) {
	f.Add("42", "42")
	f.Add("%34", "4")
	f.Add("%zz", "%zz")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, written, user string) {
		if user == "" {
			return
		}
		e := Stored{Header: map[string][]string{schema.HeaderSubject: {written}}}
		plain, err := schema.UnescapeHeader(written)
		if got, want := (Selector{UserID: user}).matches(e), err == nil && plain == user; got != want {
			t.Errorf("%q for %q: got %v, want %v", written, user, got, want)
		}
		e.Header[schema.HeaderSubject] = []string{schema.EscapeHeader(user)}
		if utf8.ValidString(user) && !(Selector{UserID: user}).matches(e) {
			t.Errorf("%q is not found by itself", user)
		}
	})
}
