package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestFuzzTargets(t *testing.T) {
	targets, err := fuzzTargets("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []target{
		{"../../config", "FuzzLoad"}, {"../../ingress", "FuzzRequest"}, {"../../schema", "FuzzEncode"}, {"../../provider/ssofy", "FuzzTampering"},
	} {
		if !slices.Contains(targets, want) {
			t.Errorf("%v is not found among %d", want, len(targets))
		}
	}
}

func TestFind(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"a": "x\x00secret\x00y", "b": "secre", "forebay.yaml": "secret"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := find(dir, []string{"other", "secret"}), []string{filepath.Join(dir, "a")}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
