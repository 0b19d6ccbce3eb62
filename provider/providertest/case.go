package providertest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/tools/txtar"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A testCase is one txtar file.
type testCase struct {
	name, file string
	archive    *txtar.Archive
	config     provider.Config
	request    provider.Request
}

func readCase(t *testing.T, file string) testCase {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	c := testCase{name: strings.TrimSuffix(filepath.Base(file), ".txtar"), file: file, archive: archive}
	c.config = parseConfig(t, c.section("config"))
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if text := c.text("clock"); text != "" {
		if now, err = time.Parse(time.RFC3339, text); err != nil {
			t.Fatalf("%s: clock: %v", file, err)
		}
	}
	c.config.Now = func() time.Time { return now }
	c.request = parseRequest(t, c.section("request"))
	return c
}

// section gives the bytes of a section, nil where the case has none.
func (c testCase) section(name string) []byte {
	for _, f := range c.archive.Files {
		if f.Name == name {
			return f.Data
		}
	}
	return nil
}

func (c testCase) text(name string) string { return strings.TrimSpace(string(c.section(name))) }

func (c testCase) lines(name string) []string {
	return strings.FieldsFunc(c.text(name), func(r rune) bool { return r == '\n' })
}

// write replaces a section in the file.
func (c testCase) write(t *testing.T, name string, data []byte) {
	t.Helper()
	for i, f := range c.archive.Files {
		if f.Name == name {
			c.archive.Files[i].Data = data
		}
	}
	if err := os.WriteFile(c.file, txtar.Format(c.archive), 0o644); err != nil {
		t.Fatal(err)
	}
}

func parseConfig(t *testing.T, text []byte) provider.Config {
	t.Helper()
	var file struct {
		Secrets   []string       `yaml:"secrets"`
		Path      string         `yaml:"path"`
		PublicURL string         `yaml:"public_url"`
		Options   map[string]any `yaml:"options"`
	}
	if err := yaml.UnmarshalWithOptions(text, &file, yaml.Strict()); err != nil {
		t.Fatalf("config: %v", err)
	}
	c := provider.Config{Source: "case", Secrets: file.Secrets, Path: file.Path}
	if file.PublicURL != "" {
		u, err := url.Parse(file.PublicURL)
		if err != nil {
			t.Fatalf("config: %v", err)
		}
		c.PublicURL = u
	}
	if file.Options != nil {
		c.Options = func(into any) error { return decodeOptions(file.Options, into) }
	}
	return c
}

func decodeOptions(options map[string]any, into any) error {
	text, err := yaml.Marshal(options)
	if err != nil {
		return err
	}
	return yaml.UnmarshalWithOptions(text, into, yaml.Strict())
}

// parseRequest reads HTTP/1.1 with bare line feeds. What follows the blank line is the body, its length undeclared.
func parseRequest(t *testing.T, text []byte) provider.Request {
	t.Helper()
	head, body, ok := bytes.Cut(text, []byte("\n\n"))
	if !ok {
		t.Fatal("request: no blank line before the body")
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(string(head) + "\n\n")))
	if err != nil {
		t.Fatalf("request: %v", err)
	}
	return provider.Request{Method: r.Method, URL: r.URL, Header: r.Header, Body: bytes.TrimSuffix(body, []byte("\n"))}
}

// testCase runs the steps of the way in and compares what the case says of them.
func (s Suite) testCase(t *testing.T, c testCase, checker checker) {
	p, err := s.New(c.config)
	if err != nil {
		c.wantError(t, "new: "+err.Error())
		return
	}
	outcome := provider.Outcome{Step: provider.Unverified}
	var events []schema.Event
	if outcome.Err = p.Verify(c.request); outcome.Err == nil {
		outcome.Step = provider.Unreadable
		events, outcome.Err = p.Decode(c.request)
		s.checkAgreement(t, p, checker, c.request)
	}
	switch {
	case outcome.Err == nil:
		outcome.Step = provider.Accepted
		c.wantEvents(t, events)
		s.testTampering(t, c)
		s.checkEdits(t, p, checker, c.request)
	case outcome.Step == provider.Unreadable:
		c.wantError(t, "decode: "+outcome.Err.Error())
	default:
		c.wantError(t, "verify: "+outcome.Err.Error())
	}
	c.wantAnswer(t, p, outcome)
}

func (c testCase) wantError(t *testing.T, got string) {
	t.Helper()
	if *update && c.section("error") != nil {
		c.write(t, "error", []byte(got+"\n"))
		return
	}
	if want := c.text("error"); strings.TrimSpace(got) != want {
		t.Errorf("got error %q, want %q", got, want)
	}
}

func (c testCase) wantEvents(t *testing.T, events []schema.Event) {
	t.Helper()
	var got bytes.Buffer
	var sensitive []string
	for i, e := range events {
		checkEvent(t, e)
		if err := json.Indent(&got, encode(t, c.config, e), "", "  "); err != nil {
			t.Fatalf("event %d: %v", i, err)
		}
		got.WriteByte('\n')
		for _, m := range e.Sensitive {
			sensitive = append(sensitive, string(m)+"\n")
		}
	}
	if *update && c.section("events") != nil {
		c.write(t, "events", got.Bytes())
		c.write(t, "sensitive", []byte(strings.Join(sensitive, "")))
		return
	}
	if want := string(c.section("events")); got.String() != want {
		t.Errorf("got events\n%swant\n%s", &got, want)
	}
	if got, want := strings.Join(sensitive, ""), string(c.section("sensitive")); got != want {
		t.Errorf("got sensitive members\n%swant\n%s", got, want)
	}
}

// wantAnswer compares the section answer, where there is one, with what an Answerer says.
func (c testCase) wantAnswer(t *testing.T, p provider.Provider, o provider.Outcome) {
	t.Helper()
	text := c.section("answer")
	if text == nil {
		return
	}
	want, err := http.ReadResponse(bufio.NewReader(strings.NewReader("HTTP/1.1 "+string(text))), nil)
	if err != nil {
		t.Fatalf("answer: %v", err)
	}
	defer want.Body.Close()
	answerer, ok := p.(provider.Answerer)
	if !ok {
		t.Fatal("answer: the provider is no Answerer")
	}
	got := answerer.Answer(c.request, o)
	var body bytes.Buffer
	if _, err := body.ReadFrom(want.Body); err != nil {
		t.Fatal(err)
	}
	if got.Status != want.StatusCode || string(got.Body) != strings.TrimSuffix(body.String(), "\n") {
		t.Errorf("got answer %d %s, want %d %s", got.Status, got.Body, want.StatusCode, &body)
	}
	wantHeader(t, got.Header, want.Header)
}

func wantHeader(t *testing.T, got, want http.Header) {
	t.Helper()
	for name := range want {
		if want.Get(name) == "*" && got.Get(name) != "" {
			continue
		}
		if got.Get(name) != want.Get(name) {
			t.Errorf("answer: got %s %q, want %q", name, got.Get(name), want.Get(name))
		}
	}
	for name := range got {
		if want.Get(name) == "" {
			t.Errorf("answer: %s is not in the case", name)
		}
	}
}
