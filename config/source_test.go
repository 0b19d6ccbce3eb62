package config

import (
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

type options struct {
	Strict bool              `yaml:"strict"`
	Age    time.Duration     `yaml:"max_age"`
	Topics []string          `yaml:"topics"`
	Labels map[string]string `yaml:"labels"`
	Nested *struct {
		Share float64 `yaml:"share"`
		Count uint8   `yaml:"count"`
	} `yaml:"nested"`
}

func TestOptionsOfTheProvider(t *testing.T) {
	c, err := Load(write(t, `
sources:
  none: {provider: ssofy, secrets: [s]}
  empty: {provider: ssofy, secrets: [s], ssofy: }
  full:
    ssofy: {strict: true, topics: ["${T}"], labels: {b: c}, nested: {share: 0.5, count: 7}}
    provider: ssofy
    secrets: [s]
`), Options{Getenv: environment(map[string]string{"T": "acme.*"}), Providers: providers})
	if err != nil {
		t.Fatal(err)
	}
	if c.Sources[0].Options != nil {
		t.Error("options without a key")
	}
	before := options{Age: time.Hour, Topics: []string{"x"}, Labels: map[string]string{"a": "b"}}
	got := before
	if err := c.Sources[1].Options(&got); err != nil || !reflect.DeepEqual(got, before) {
		t.Errorf("got %+v, %v; want %+v", got, err, before)
	}
	if err := c.Sources[2].Config(nil).Options(&got); err != nil {
		t.Fatal(err)
	}
	if !got.Strict || got.Age != time.Hour || got.Topics[0] != "acme.*" || got.Labels["a"]+got.Labels["b"] != "bc" ||
		got.Nested.Share != 0.5 || got.Nested.Count != 7 {
		t.Errorf("got %+v", got)
	}
}

func TestOptionsAreStrict(t *testing.T) {
	path := write(t, `
sources:
  a:
    provider: ssofy
    secrets: [s]
    ssofy:
      strict: yes
      max_age: ${MISSING}
      labels: x
      nested: {count: 256}
      stricter: true
`)
	err := load(t, path).Sources[0].Options(new(options))
	if err == nil {
		t.Fatal("decoded")
	}
	want := strings.Join([]string{
		`forebay.yaml:7: sources.a.ssofy.strict: want true or false`,
		`forebay.yaml:8: sources.a.ssofy.max_age: environment variable MISSING is not set, or empty`,
		`forebay.yaml:9: sources.a.ssofy.labels: want keys and values, have text`,
		`forebay.yaml:10: sources.a.ssofy.nested.count: want a whole number, not below zero`,
		`forebay.yaml:11: sources.a.ssofy.stricter: unknown key; known here: labels, max_age, nested, strict, topics`,
	}, "\n")
	if got := strings.ReplaceAll(err.Error(), filepath.Dir(path)+"/", ""); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	for _, into := range []any{nil, options{}, (*options)(nil)} {
		if err := load(t, path).Sources[0].Options(into); err == nil {
			t.Errorf("decoded into %#v", into)
		}
	}
}

func TestOptionsOfSeveralSourcesAtOnce(t *testing.T) {
	c := load(t, write(t, `
sources:
  a: {provider: ssofy, secrets: [s], ssofy: &o {strict: &yes true}}
  b: {provider: ssofy, secrets: [s], ssofy: *o}
`))
	var all sync.WaitGroup
	for range 8 {
		for _, s := range c.Sources {
			all.Go(func() {
				var o options
				if err := s.Options(&o); err != nil || !o.Strict {
					t.Errorf("got %+v, %v", o, err)
				}
			})
		}
	}
	all.Wait()
}
