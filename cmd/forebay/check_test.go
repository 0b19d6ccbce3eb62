package main

import (
	"os"
	"testing"
)

// Whoever looks at something changes nothing: without a configuration file no secrets are made but by those who meet
// somebody with them.
func TestLookingMakesNothing(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("FOREBAY_CONFIG", "")
	for _, command := range [][]string{
		{"check"}, {"check", "--health"}, {"consumers"}, {"send", "--list"}, {"schema", "asyncapi"}, {"dead", "list"},
	} {
		stdout, stderr, _ := call(t, command...) // whether a forebay happens to run here does not matter
		if files, err := os.ReadDir("."); err != nil || len(files) != 0 {
			t.Fatalf("%v made %v: %v\n%s%s", command, files, err, stdout, stderr)
		}
	}
}
