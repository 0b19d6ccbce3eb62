package config

import (
	"path/filepath"
	"testing"

	"github.com/forebayhq/forebay/provider"
)

// A relative file in the options of a source starts where the configuration file is.
func TestPathInOptions(t *testing.T) {
	path := write(t, "sources:\n  a: {provider: ssofy, secrets: [s], ssofy: {keys: keys.json, other: /etc/keys.json}}\n")
	c, err := Load(path, Options{Getenv: environment(nil), Providers: providers})
	if err != nil {
		t.Fatal(err)
	}
	var o struct {
		Keys  provider.Path `yaml:"keys"`
		Other provider.Path `yaml:"other"`
	}
	if err := c.Sources[0].Options(&o); err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(filepath.Dir(path), "keys.json"); string(o.Keys) != want || o.Other != "/etc/keys.json" {
		t.Errorf("got %q and %q, want %q", o.Keys, o.Other, want)
	}
}

// A source without a secret may have options that name a key set. Its provider refuses it where they do not.
func TestOptionsMayStandInForASecret(t *testing.T) {
	path := write(t, "sources:\n  a: {provider: ssofy, ssofy: {keys: keys.json}}\n")
	c, err := Load(path, Options{Getenv: environment(nil), Providers: providers})
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Sources[0].Config(nil).Secrets) != 0 {
		t.Error("a secret out of nowhere")
	}
}
