package otp

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	htmltemplate "html/template"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"text/template"
	"time"
)

//go:embed template
var shipped embed.FS

// A letter is a message that is ready to go.
type letter struct {
	id       string // the same for every message of one event: 32 hex digits
	to       string
	code     string
	locale   string
	subject  string
	text     string
	html     string // empty: there is none
	lifetime time.Duration
}

// Words are what templates can say.
type Words struct {
	Code    string
	Minutes int    // how long the code is right, rounded up
	Name    string // Options.Name
	Hint    string // the address, masked for display; may be empty
	Purpose string // the provider's word: "authentication"; may be empty
	Source  string // "ssofy"
	Locale  string // of the templates: "en"
	User    Person // what the event tells of the user
}

// The files of a locale.
const (
	fileEmail     = "email.txt" // its first line is "Subject: …", the second empty
	fileEmailHTML = "email.html"
	fileSMS       = "sms.txt"
	fileCall      = "call.txt"
)

// A page is a template of either kind.
type page interface {
	Execute(w io.Writer, data any) error
}

// letters writes letters from templates.
type letters struct {
	options Options
	locales map[string]map[string]page // by locale and file
}

// readLetters reads the shipped templates and, over them, those of the operator, and tries them all.
func readLetters(o Options) (*letters, error) {
	s := &letters{options: o, locales: map[string]map[string]page{}}
	own, err := fs.Sub(shipped, "template")
	if err == nil {
		err = s.readFolder(own)
	}
	if err == nil && o.Templates != "" {
		err = s.readFolder(os.DirFS(string(o.Templates)))
	}
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	if s.locales[o.Locale] == nil {
		return nil, fmt.Errorf("locale: no templates for %q; there are %s", o.Locale, strings.Join(slices.Sorted(maps.Keys(s.locales)), ", "))
	}
	return s, errors.Join(s.whole(), s.try())
}

func (s *letters) readFolder(folder fs.FS) error {
	files, err := fs.Glob(folder, "*/*")
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return errors.New("no files <locale>/<name> in the folder")
	}
	for _, file := range files {
		if err := s.readFile(folder, file); err != nil {
			return err
		}
	}
	return nil
}

func (s *letters) readFile(folder fs.FS, file string) error {
	locale, name := normal(path.Dir(file)), path.Base(file)
	text, err := fs.ReadFile(folder, file)
	if err != nil {
		return err
	}
	p, err := parse(file, name, string(text))
	if err != nil {
		return err
	}
	if s.locales[locale] == nil {
		s.locales[locale] = map[string]page{}
	}
	s.locales[locale][name] = p
	return nil
}

// noKey makes a custom claim that a user has not print as nothing.
const noKey = "missingkey=zero"

// parse makes a template. spell, for voices, puts a pause between the characters of a code.
func parse(file, name, text string) (page, error) {
	functions := map[string]any{"spell": func(code string) string { return strings.Join(strings.Split(code, ""), ", ") }}
	switch name {
	case fileEmailHTML:
		return htmltemplate.New(file).Option(noKey).Funcs(functions).Parse(text)
	case fileEmail, fileSMS, fileCall:
		return template.New(file).Option(noKey).Funcs(functions).Parse(text)
	}
	return nil, fmt.Errorf("%s: want %s, %s, %s or %s", file, fileEmail, fileEmailHTML, fileSMS, fileCall)
}

// files are what a channel cannot do without.
func files() map[string]string {
	return map[string]string{channelEmail: fileEmail, channelSMS: fileSMS, channelCall: fileCall}
}

// whole makes sure that the locale which everybody falls back to has a text for each channel that is configured.
func (s *letters) whole() (err error) {
	for _, channel := range s.options.channels() {
		if file := files()[channel]; s.locales[s.options.Locale][file] == nil {
			err = errors.Join(err, fmt.Errorf("templates: no %s/%s, which channel %s needs: %s is the locale of all whose own has none",
				s.options.Locale, file, channel, s.options.Locale))
		}
	}
	return err
}

// try writes letters with every template, so that a slip shows at the start rather than in a dead letter.
func (s *letters) try() error {
	for locale, files := range s.locales {
		for _, name := range slices.Sorted(maps.Keys(files)) {
			if err := s.tryOne(locale, name); err != nil {
				return fmt.Errorf("template %s/%s: %w", locale, name, err)
			}
		}
	}
	return nil
}

var errNoCode = errors.New("it says the same whatever the code is: {{.Code}} is missing")

// tryOne fills in a template with two codes, and for users of whom nothing and much is known.
func (s *letters) tryOne(locale, name string) error {
	var texts []string
	for _, w := range []Words{
		{Code: "123456"}, {Code: "987654"}, {Code: "123456", User: anybody(), Hint: "a", Purpose: "b", Source: "c", Name: "d"},
	} {
		w.Minutes, w.Locale = 10, locale
		text, err := s.fill(locale, name, w)
		if err == nil && name == fileEmail {
			_, _, err = cutSubject(text)
		}
		if err != nil {
			return err
		}
		texts = append(texts, text)
	}
	if texts[0] == texts[1] {
		return errNoCode
	}
	return nil
}

// write fills in the templates of a channel in the user's language.
func (s *letters) write(r *request, code string) (*letter, error) {
	file := files()[r.channel]
	locale, err := s.locale(value(r.user.Locale), file)
	if err != nil {
		return nil, err
	}
	w := Words{
		Code: code, Minutes: int((s.options.Lifetime + time.Minute - 1) / time.Minute), Name: s.options.Name,
		Hint: r.hint, Purpose: r.purpose, Source: r.source, Locale: locale, User: personOf(r.user),
	}
	l := &letter{id: r.message, to: r.to, code: code, locale: locale, lifetime: s.options.Lifetime}
	if l.text, err = s.fill(locale, file, w); err != nil {
		return nil, fmt.Errorf("template %s/%s: %w", locale, file, err)
	}
	if r.channel != channelEmail {
		return l, nil
	}
	return l, s.mail(l, w)
}

// mail cuts the subject off and adds the HTML, where the same locale has it: languages do not mix.
func (s *letters) mail(l *letter, w Words) (err error) {
	if l.subject, l.text, err = cutSubject(l.text); err != nil {
		return fmt.Errorf("template %s/%s: %w", l.locale, fileEmail, err)
	}
	if s.locales[l.locale][fileEmailHTML] == nil {
		return nil
	}
	if l.html, err = s.fill(l.locale, fileEmailHTML, w); err != nil {
		return fmt.Errorf("template %s/%s: %w", l.locale, fileEmailHTML, err)
	}
	return nil
}

func (s *letters) fill(locale, name string, w Words) (string, error) {
	var b bytes.Buffer
	if err := s.locales[locale][name].Execute(&b, w); err != nil {
		return "", err
	}
	return strings.TrimSpace(b.String()), nil
}

// locale gives the first locale that has a file: the user's, "pt-BR", its language, "pt", and the configured one.
func (s *letters) locale(users, file string) (string, error) {
	language, _, _ := strings.Cut(normal(users), "-")
	for _, locale := range []string{normal(users), language, s.options.Locale} {
		if s.locales[locale][file] != nil {
			return locale, nil
		}
	}
	return "", fmt.Errorf("no template %s/%s", s.options.Locale, file)
}

// normal writes a locale in one way: "pt_BR" is "pt-br".
func normal(locale string) string { return strings.ToLower(strings.ReplaceAll(locale, "_", "-")) }

func cutSubject(text string) (subject, body string, err error) {
	head, body, _ := strings.Cut(text, "\n")
	subject, ok := strings.CutPrefix(strings.TrimSpace(head), "Subject:")
	if !ok || strings.TrimSpace(subject) == "" {
		return "", "", errors.New(`its first line is not "Subject: …"`)
	}
	return strings.TrimSpace(subject), strings.TrimSpace(body) + "\n", nil
}
