package config

import (
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml/ast"
)

const samplePath = "../docs/forebay.yaml"

var sampleEnv = environment(map[string]string{
	"SSOFY_SECRET": "one", "REWARDS_SECRET": "two", "NATS_TOKEN": "three", "NATS_PASSWORD": "four",
	"ANALYTICS_PASSWORD": "five", "TRACES_TOKEN": "six",
})

func TestSampleShowsTheDefaults(t *testing.T) {
	sample, err := Load(samplePath, Options{Getenv: sampleEnv, Providers: providers, Jobs: jobs})
	if err != nil {
		t.Fatal(err)
	}
	if len(sample.Sources) == 0 || len(sample.Consumers) == 0 || len(sample.Warnings) > 0 {
		t.Errorf("sources %v, warnings %q", sample.Sources, sample.Warnings)
	}
	for _, c := range sample.Consumers {
		want := consumerDefaults()
		want.Name, want.Where = c.Name, c.Where
		if !reflect.DeepEqual(c, want) {
			t.Errorf("consumer %s does not show the defaults: %+v", c.Name, c)
		}
	}
	empty := load(t, write(t, ""))
	for _, c := range []*Config{sample, empty} {
		c.Sources, c.Consumers, c.File, c.dataWhere, c.Warnings = nil, nil, "", "", nil
		slices.Sort(c.Lanes.Urgent)
	}
	if want := Path("../docs/data"); sample.Data != want {
		t.Errorf("data: got %s, want %s", sample.Data, want)
	}
	sample.Data = empty.Data
	if !reflect.DeepEqual(sample, empty) {
		t.Errorf("the sample is not the defaults:\n%+v\n%+v", sample, empty)
	}
}

// What has a default is shown with it and not behind a #.
func TestSampleShowsEveryDefault(t *testing.T) {
	text, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	shown := sampleKeys(t, string(text))
	for key, value := range leaves("", reflect.ValueOf(defaults()).Elem()) {
		if !value.IsZero() && !slices.Contains(shown, key) {
			t.Errorf("%s has a default that the sample does not show", key)
		}
	}
}

var commented = regexp.MustCompile(`(?m)^( *)#([a-z_]+:)`)

func TestSampleHasEveryKey(t *testing.T) {
	text, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	got := sampleKeys(t, commented.ReplaceAllString(string(text), "$1$2"))
	want := slices.Collect(maps.Keys(leaves("", reflect.ValueOf(defaults()).Elem())))
	for name := range tagged(reflect.TypeFor[Source]()) {
		want = append(want, "sources.ssofy."+name)
	}
	for name := range tagged(reflect.TypeFor[Consumer]()) {
		want = append(want, "consumers.audit."+name)
	}
	for _, key := range want {
		if !slices.Contains(got, key) {
			t.Errorf("%s is not in the sample", key)
		}
	}
}

// sampleKeys gives the keys of a text, which must decode.
func sampleKeys(t *testing.T, text string) []string {
	t.Helper()
	d := &decoder{
		report:  report{file: "sample", lines: map[string]int{}},
		getenv:  sampleEnv,
		anchors: map[string]ast.Node{},
	}
	if _, err := d.config([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := d.err(); err != nil {
		t.Fatal(err)
	}
	return slices.Collect(maps.Keys(d.lines))
}

// leaves gives what the keys of a struct hold, by key path, structs below it included sources and consumers left out.
func leaves(key string, v reflect.Value) map[string]reflect.Value {
	all := map[string]reflect.Value{}
	for name, i := range tagged(v.Type()) {
		field, path := v.Field(i), join(key, name)
		switch {
		case isRecord(field.Type()):
			maps.Copy(all, leaves(path, field))
		case name != "sources" && name != "consumers":
			all[path] = field
		}
	}
	return all
}

func TestSampleExplainsEveryKey(t *testing.T) {
	text, err := os.ReadFile(samplePath)
	if err != nil {
		t.Fatal(err)
	}
	if i := strings.IndexFunc(string(text), func(r rune) bool { return r > '~' }); i >= 0 {
		t.Errorf("not ASCII at byte %d", i)
	}
	// A key is explained by a comment above it, or above the run of keys that it is in.
	explained := false
	for i, line := range strings.Split(string(text), "\n") {
		switch trimmed := strings.TrimSpace(line); {
		case trimmed == "":
			explained = false
		case strings.HasPrefix(trimmed, "# "):
			explained = true
		case !explained && !strings.HasPrefix(line, "  rewards:") && !strings.HasPrefix(line, "    "):
			t.Errorf("line %d is not explained: %s", i+1, line)
		}
	}
}
