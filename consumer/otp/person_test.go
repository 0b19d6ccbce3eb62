package otp

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/schema"
)

// What an event does not tell of a user is empty in a letter.
func TestUsersInTemplates(t *testing.T) {
	s, err := readLetters(Options{Locale: "en", Templates: folder(t, map[string]string{
		"en/sms.txt": `{{with .User.GivenName}}Dear {{.}}{{else}}Hello{{end}} {{.User.FamilyName}}{{.User.Custom.plan}}, {{.Code}}`,
	})})
	if err != nil {
		t.Fatal(err)
	}
	ada, lovelace := "Ada", "Lovelace"
	for want, user := range map[string]schema.User{
		"Hello , 123456":             {},
		"Dear Ada Lovelace, 123456":  {GivenName: &ada, FamilyName: &lovelace},
		"Hello gold, 123456":         {Custom: map[string]json.RawMessage{"plan": json.RawMessage(`"gold"`)}},
		`Hello {"level": 3}, 123456`: {Custom: map[string]json.RawMessage{"plan": json.RawMessage(`{"level": 3}`)}},
	} {
		l, err := s.write(&request{channel: "sms", user: user}, "123456")
		if err != nil || l.text != want {
			t.Errorf("got %q, %v, want %q", l.text, err, want)
		}
	}
}

// What would kill every message of a channel, or send none with a code in it, is refused at the start.
func TestTemplatesThatCannotDo(t *testing.T) {
	smtp := SMTP{Host: "localhost", From: "no-reply@example.com"}
	gateways := map[string]Gateway{"sms": {URL: "https://example.com", Body: "{{.Text}}"}}
	mail := map[string]string{"es/email.txt": "Subject: Código\n\n{{.Code}}"}
	for name, c := range map[string]struct {
		options Options
		files   map[string]string
		want    string // empty: it can do
	}{
		"mail alone":           {Options{SMTP: smtp}, mail, ""},
		"no text for SMS":      {Options{SMTP: smtp, Gateways: gateways}, mail, "no es/sms.txt, which channel sms needs"},
		"no text for mail":     {Options{SMTP: smtp}, map[string]string{"es/sms.txt": "{{.Code}}"}, "no es/email.txt"},
		"a mail without code":  {Options{SMTP: smtp}, map[string]string{"es/email.txt": "Subject: Código\n\nHola"}, "{{.Code}} is missing"},
		"a slip where a claim": {Options{SMTP: smtp}, map[string]string{"es/email.txt": "Subject: x\n\n{{.Code}}{{with .User.Name}}{{.First}}{{end}}"}, "First"},
		"HTML without code":    {Options{SMTP: smtp}, map[string]string{"es/email.txt": mail["es/email.txt"], "es/email.html": "<p>Hola</p>"}, "es/email.html"},
		"a code in two halves": {Options{SMTP: smtp}, map[string]string{"es/email.txt": "Subject: x\n\n{{slice .Code 0 3}} {{slice .Code 3}}"}, ""},
	} {
		c.options.Locale, c.options.Templates = "es", folder(t, c.files)
		_, err := readLetters(c.options)
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
}
