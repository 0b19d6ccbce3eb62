package otp

import (
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// folder writes templates of an operator.
func folder(t *testing.T, files map[string]string) Path {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Path(dir)
}

func TestLocales(t *testing.T) {
	s, err := readLetters(Options{Locale: "en", Lifetime: 90e9, Templates: folder(t, map[string]string{
		"pt-BR/email.txt": "Subject: Código de {{.Hint}}\n\n{{.Code}}, {{.Minutes}} min, {{.User.ID}}",
		"fr/email.html":   "<p>{{.Code}} à {{.Purpose}}</p>",
	})})
	if err != nil {
		t.Fatal(err)
	}
	for locale, want := range map[string]string{
		"":      "en Your code",
		"en-GB": "en Your code",
		"de":    "de Ihr Code",
		"de_CH": "de Ihr Code",
		"DE":    "de Ihr Code",
		"pt-br": "pt-br Código de <b>",
		"pt":    "en Your code",
		"../de": "en Your code",
		"xx":    "en Your code",
	} {
		l, err := s.write(&request{channel: "email", hint: "<b>", user: schema.User{ID: "7", Locale: &locale}}, "123456")
		if err != nil {
			t.Fatal(err)
		}
		if got := l.locale + " " + l.subject; got != want || !strings.Contains(l.text, "123456") {
			t.Errorf("%q: %q, want %q\n%s", locale, got, want, l.text)
		}
		if l.locale == "pt-br" && (l.html != "" || l.text != "123456, 2 min, 7\n") {
			t.Errorf("languages mix: %q %q", l.text, l.html)
		}
	}
	french := "fr"
	l, err := s.write(&request{channel: "email", purpose: "<script>", user: schema.User{Locale: &french}}, "123456")
	if err != nil || l.html != "<p>123456 à &lt;script&gt;</p>" || !strings.HasPrefix(l.text, "Votre code est") {
		t.Errorf("%v %q %q", err, l.html, l.text)
	}
}

func TestShippedLocalesAreWhole(t *testing.T) {
	s, err := readLetters(Options{Locale: "en"})
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Sorted(maps.Keys(s.locales)); !slices.Equal(got, []string{"de", "en", "fr"}) {
		t.Errorf("locales %q", got)
	}
	for locale, files := range s.locales {
		if len(files) != 4 {
			t.Errorf("%s has %d files", locale, len(files))
		}
		for name := range files {
			one, _ := s.fill(locale, name, Words{Code: "1234", Minutes: 1, Name: "Example"})
			if strings.Contains(one, "1 minutes") || strings.Contains(one, "1 Minuten") || !strings.Contains(one, "Example") {
				t.Errorf("%s/%s: %s", locale, name, one)
			}
		}
	}
}

func TestTemplatesRefused(t *testing.T) {
	for name, c := range map[string]struct{ file, text, want string }{
		"another name":     {"en/emial.txt", "x", "want email.txt"},
		"syntax":           {"en/sms.txt", "{{.Code", "unclosed action"},
		"unknown word":     {"en/sms.txt", "{{.Pin}}", "Pin"},
		"no subject":       {"en/email.txt", "{{.Code}}", "Subject"},
		"an empty subject": {"en/email.txt", "Subject: {{.Name}}\n\n{{.Code}}", "Subject"},
		"no folder":        {"sms.txt", "x", "no files"},
	} {
		_, err := readLetters(Options{Locale: "en", Templates: folder(t, map[string]string{c.file: c.text})})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if _, err := readLetters(Options{Locale: "it"}); err == nil || !strings.Contains(err.Error(), "de, en, fr") {
		t.Errorf("a locale without templates: %v", err)
	}
}

func TestProvidersCode(t *testing.T) {
	sealer, open := consumertest.SealKeys(t)
	sealed, err := sealer.Seal([]byte("S-4711"))
	if err != nil {
		t.Fatal(err)
	}
	j := &Job{}
	j.config.Open = open
	m := message(t, event("one"))
	m.Body = json.RawMessage(`{"payload":{"a/b":{"m~n":"A-771"},"n":[0,123456],"sealed":{"sealed":"` + sealed + `"},"bad":"a\nb","o":{},"null":null}}`)
	for path, want := range map[string]string{
		"/payload/a~1b/m~0n": "A-771", "/payload/n/1": "123456", "/payload/sealed": "S-4711",
		"/payload/n/01": "", "/payload/n/2": "", "/payload/n/-": "", "/payload/none": "", "/payload/bad": "", "/payload/o": "",
		"/payload/null": "", "/payload/a~1b/m~0n/x": "",
	} {
		j.options.Code = path
		got, err := j.code(m)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%s: %q, %v, want %q", path, got, err, want)
		}
	}
	j.config.Open = nil
	j.options.Code = "/payload/sealed"
	if got, err := j.code(m); err == nil {
		t.Errorf("a sealed code without a key: %q", got)
	}
}

func TestMakeCode(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		code, err := makeCode(6)
		if err != nil || len(code) != 6 || strings.Trim(code, "0123456789") != "" {
			t.Fatalf("%q, %v", code, err)
		}
		seen[code] = true
	}
	if len(seen) < 190 {
		t.Errorf("%d different codes of 200", len(seen))
	}
}

func TestRequests(t *testing.T) {
	mail, phone := "eve@example.com", "+441632960002"
	for name, c := range map[string]struct {
		change func(*schema.Event)
		want   string // channel, to, option; empty: refused
	}{
		"as SSOfy sends it":  {func(*schema.Event) {}, "email ada@example.com authentication-email-42"},
		"of a user":          {func(e *schema.Event) { e.OTP, e.User.Email = nil, &mail }, "email eve@example.com 42"},
		"SMS to the user":    {func(e *schema.Event) { e.OTP.Channel, e.OTP.To, e.User.PhoneNumber = "SMS", "", &phone }, "sms +441632960002 authentication-email-42"},
		"nothing configured": {func(e *schema.Event) { e.OTP.Channel = "call" }, ""},
		"no channel of ours": {func(e *schema.Event) { e.OTP.Channel = "pigeon" }, ""},
		"two addresses":      {func(e *schema.Event) { e.OTP.To = "ada@example.com, eve@example.com" }, ""},
		"a header":           {func(e *schema.Event) { e.OTP.To = "ada@example.com\r\nBcc: eve@example.com" }, ""},
		"not a number":       {func(e *schema.Event) { e.OTP.Channel = "sms" }, ""},
		"no address":         {func(e *schema.Event) { e.OTP.To = "" }, ""},
		"for nobody":         {func(e *schema.Event) { e.OTP.ID, e.User = "", nil }, ""},
	} {
		j := &Job{carriers: map[string]carrier{"email": &mailer{}, "sms": &courier{}}}
		e := event("one")
		c.change(&e)
		r, err := j.read(message(t, e))
		if c.want == "" {
			if err == nil || strings.Contains(err.Error(), "@") {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err != nil || r.channel+" "+r.to+" "+r.option != c.want {
			t.Errorf("%s: %+v, %v, want %s", name, r, err, c.want)
		}
	}
}

func TestOptions(t *testing.T) {
	good := func() Options {
		return Options{Key: testKey, SMTP: SMTP{Host: "localhost", From: "no-reply@example.com"}}
	}
	secret := folder(t, map[string]string{"key": testKey + "\n"})
	for want, change := range map[string]func(*Options){
		"":                     func(*Options) {},
		"key: want 32":         func(o *Options) { o.Key = "short" },
		"key_file":             func(o *Options) { o.KeyFile = Path(filepath.Join(string(secret), "key")) },
		"code: want":           func(o *Options) { o.Code = "payload.code" },
		"length":               func(o *Options) { o.Length = 3 },
		"guesses":              func(o *Options) { o.Guesses = -1 },
		"remember":             func(o *Options) { o.Remember = 1 },
		"nothing to send with": func(o *Options) { o.SMTP = SMTP{} },
		"smtp.tls":             func(o *Options) { o.SMTP.TLS = "maybe" },
		"smtp.from":            func(o *Options) { o.SMTP.From = "nobody" },
		"smtp.ca":              func(o *Options) { o.SMTP.CA = Path(filepath.Join(string(secret), "key")) },
		"smtp: user":           func(o *Options) { o.SMTP.User = "forebay" },
		"want sms or call":     func(o *Options) { o.Gateways = map[string]Gateway{"fax": {URL: "https://example.com", Body: "x"}} },
		"gateways.sms.url":     func(o *Options) { o.Gateways = map[string]Gateway{"sms": {URL: "ftp://example.com", Body: "x"}} },
		"gateways.sms.body":    func(o *Options) { o.Gateways = map[string]Gateway{"sms": {URL: "https://example.com"}} },
		"gateways.sms: templ": func(o *Options) {
			o.Gateways = map[string]Gateway{"sms": {URL: "https://example.com", Body: "{{.Pin}}"}}
		},
		"twilio needs":     func(o *Options) { o.Gateways = map[string]Gateway{"sms": {Kind: "twilio"}} },
		"verify: needs":    func(o *Options) { o.Verify.Listen = "127.0.0.1:0" },
		"verify.tokens[0]": func(o *Options) { o.Verify = Verify{Listen: "127.0.0.1:0", Tokens: []string{"short"}} },
		"unknown key":      nil,
	} {
		decode := func(any) error { return errors.New("unknown key") }
		if change != nil {
			o := good()
			change(&o)
			decode = given(o)
		}
		_, err := New(newJobConfig(decode))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
		if err != nil && strings.Contains(err.Error(), testKey) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
	o := good()
	o.Key, o.KeyFile = "", Path(filepath.Join(string(secret), "key"))
	if got, err := readOptions(newJobConfig(given(o))); err != nil || got.Key != testKey {
		t.Errorf("key_file: %v", err)
	}
}
