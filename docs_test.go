package forebay_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"text/template"
)

const (
	pages        = "docs/providers"
	guide        = "docs/adding-a-provider.md"
	providerList = "cmd/forebay/providers.go"
)

// Every provider has a page, and every page a provider. The table of events is what the provider documents, row for
// row; a provider that has no events of its own has none. The tables of keys name options that the provider has, and no
// option goes unmentioned.
func TestProviderPages(t *testing.T) {
	described := describe(t)
	names := providerFolders(t)
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			page := read(t, path.Join(pages, name+".md"))
			compareEvents(t, tableRows(page, isEventTable), described[name].Natives)
			compareKeys(t, page, described[name].Keys)
		})
	}
	files, err := os.ReadDir(pages)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(names, strings.TrimSuffix(f.Name(), ".md")) {
			t.Errorf("%s/%s: there is no such provider", pages, f.Name())
		}
	}
}

// An eventRow is a native action and what it becomes.
type eventRow struct{ Name, Action string }

func compareEvents(t *testing.T, rows [][]string, want []eventRow) {
	t.Helper()
	for i := range max(len(rows), len(want)) {
		var got, documented eventRow
		if i < len(rows) {
			got = eventRow{unquote(rows[i][0]), unquote(rows[i][1])}
		}
		if i < len(want) {
			documented = want[i]
		}
		if got != documented {
			t.Errorf("row %d of the events is %q, and Natives has %q", i+1, got, documented)
			return
		}
	}
}

func compareKeys(t *testing.T, page string, keys []string) {
	t.Helper()
	code := markdownCode(page)
	for _, key := range keys {
		if !mentions(code, key) {
			t.Errorf("the page does not name the option `%s`", key)
		}
	}
	for _, row := range tableRows(page, isKeyTable) {
		for _, m := range span.FindAllStringSubmatch(row[0], -1) {
			if last := m[1][strings.LastIndex(m[1], ".")+1:]; !slices.Contains(keys, last) {
				t.Errorf("the page has the key `%s`, which is no option", m[1])
			}
		}
	}
}

func isEventTable(header []string) bool {
	return len(header) > 1 && strings.HasPrefix(header[0], "native") && header[1] == "action"
}

func isKeyTable(header []string) bool { return header[0] == "key" }

// tableRows gives the rows of the tables of a page whose header is wanted, as cells.
func tableRows(page string, wanted func(header []string) bool) [][]string {
	var rows [][]string
	within, inside := false, false // a table, a wanted table
	for line := range strings.Lines(page) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			within, inside = false, false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case !within:
			within, inside = true, wanted(cells)
		case inside && strings.Trim(cells[0], "-:") != "":
			rows = append(rows, cells)
		}
	}
	return rows
}

// unquote is the text of a cell that is one code span; any other cell is nothing.
func unquote(cell string) string {
	if m := span.FindStringSubmatch(cell); m != nil && m[0] == cell {
		return m[1]
	}
	return ""
}

func providerFolders(t *testing.T) []string {
	t.Helper()
	var names []string
	for pkg := range packages(t) {
		if parent, name := path.Split(pkg); parent == "provider/" && !testSupport(pkg) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// A description is what a provider says of itself: what it documents, and the yaml keys of its options.
type description struct {
	Name    string
	Natives []eventRow
	Keys    []string
}

// describe asks every provider of the list. It writes a program for that: the one package that knows them all cannot
// be imported, and a list here would be another one to keep.
func describe(t *testing.T) map[string]description {
	t.Helper()
	source := filepath.Join(t.TempDir(), "main.go")
	var b strings.Builder
	if err := describer.Execute(&b, mapKeys(t, providerList)); err != nil {
		t.Fatal(err)
	}
	write(t, source, b.String())
	said := run(t, exec.Command("go", "run", source))
	described := map[string]description{}
	for line := range bytes.Lines(said) {
		var d description
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		described[d.Name] = d
	}
	return described
}

// describer makes the program of describe. Sources are as in development mode; a provider that needs more options to
// start documents nothing.
var describer = template.Must(template.New("main.go").Parse(`package main

import (
	"encoding/json"
	"net/url"
	"os"
	"reflect"
	"strings"

	"github.com/forebayhq/forebay/provider"
{{range .}}	"github.com/forebayhq/forebay/provider/{{.}}"
{{end}})

var providers = map[string]func(provider.Config) (provider.Provider, error){
{{range .}}	"{{.}}": {{.}}.New,
{{end}}}

func main() {
	for name, construct := range providers {
		said := struct {
			Name    string
			Natives []provider.Native
			Keys    []string
		}{Name: name}
		seen := map[reflect.Type]bool{}
		p, err := construct(provider.Config{
			Secrets:   []string{"whsec_Zm9yZWJheS10ZXN0cy1zaWduLXdpdGgtdGhpcy1rZXk="},
			PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
			Options: func(into any) error {
				said.Keys = keys(reflect.TypeOf(into), seen)
				demand(reflect.ValueOf(into).Elem())
				return nil
			},
		})
		if s, ok := p.(provider.Sampler); ok && err == nil {
			said.Natives = s.Natives()
		}
		if json.NewEncoder(os.Stdout).Encode(said) != nil {
			os.Exit(1)
		}
	}
}

// demand sets the options that have no default.
func demand(options reflect.Value) {
	for i := range options.NumField() {
		switch options.Type().Field(i).Tag.Get("yaml") {
		case "issuer":
			options.Field(i).SetString("https://transmitter.example.com")
		case "audience":
			options.Field(i).Set(reflect.ValueOf([]string{"https://hooks.example.com"}))
		}
	}
}

func keys(t reflect.Type, seen map[reflect.Type]bool) (found []string) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return keys(t.Elem(), seen)
	case reflect.Struct:
		if seen[t] {
			return nil
		}
		seen[t] = true
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			if key == "-" {
				continue
			}
			if key != "" {
				found = append(found, key)
			}
			found = append(found, keys(t.Field(i).Type, seen)...)
		}
	}
	return found
}
`))

// run gives what a command printed. It must end well.
func run(t *testing.T, c *exec.Cmd) []byte {
	t.Helper()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	stdout, err := c.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", c, err, stdout, &stderr)
	}
	return stdout
}

var (
	// namedBlock is a fenced block of the guide behind the name of its file.
	namedBlock = regexp.MustCompile("(?ms)^`([a-z_./-]+)`:\n\n(?:```[a-z]*\n(.*?)^```|~~~[a-z]*\n(.*?)^~~~)\n")

	// mapLine is the line of the map, with the names of the provider and of its package.
	mapLine = regexp.MustCompile(`(?m)^\t("([a-z]+)": [a-z]+\.New,)$`)

	// Behind these the list of providers takes another.
	providerImport = regexp.MustCompile(`(?m)^\t"` + module + `/provider"\n`)
	providerMap    = regexp.MustCompile(`(?m)^var providers = map.*\{\n`)
)

// The guide is followed step by step in a copy of this repository: its files are written, the test of the layout names
// the missing line, the line is added, and then the provider passes the suite and has a page that fits. Nothing else is
// changed.
func TestAddingAProvider(t *testing.T) {
	text := read(t, guide)
	line := mapLine.FindStringSubmatch(text)
	if line == nil {
		t.Fatalf("%s does not show the line of the map", guide)
	}
	name := line[2]
	if slices.Contains(providerFolders(t), name) {
		t.Fatalf("%s adds provider %s, which is there: let it add another", guide, name)
	}
	repository := t.TempDir()
	copySource(t, repository)
	for _, m := range namedBlock.FindAllStringSubmatch(text, -1) {
		write(t, filepath.Join(repository, m[1]), m[2]+m[3])
	}
	said, err := testIn(repository, "TestListsNameEveryFolder")
	if err == nil || !strings.Contains(said, line[1]) {
		t.Errorf("the test of the layout does not name the missing line %s: %v\n%s", line[1], err, said)
	}
	write(t, filepath.Join(repository, providerList), withProvider(read(t, providerList), name))
	said, err = testIn(repository, "TestListsNameEveryFolder|TestProviderPages|TestDataHoldsNoSecretAndNobody")
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	suite := exec.Command("go", "test", "./provider/"+name)
	suite.Dir = repository
	run(t, suite)
}

// copySource copies every file of the module.
func copySource(t *testing.T, to string) {
	t.Helper()
	walk(t, ".", func(name string) { write(t, filepath.Join(to, name), read(t, name)) })
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// testIn runs tests of this file's package, as they are compiled, on another copy of the repository.
func testIn(repository, tests string) (said string, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", err
	}
	c := exec.Command(program, "-test.count=1", "-test.run=^("+tests+")$")
	c.Dir = repository
	out, err := c.CombinedOutput()
	return string(out), err
}

// withProvider adds a provider to the list: its import, and its line in the map.
func withProvider(list, name string) string {
	list = providerImport.ReplaceAllString(list, "$0\t\""+module+"/provider/"+name+"\"\n")
	return providerMap.ReplaceAllString(list, "$0\t\""+name+"\": "+name+".New,\n")
}
