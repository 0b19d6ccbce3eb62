package main

import (
	"flag"
	"os"
	"regexp"
	"testing"
)

var update = flag.Bool("update", false, "put the examples into the page")

const page = "../../docs/consumers.md"

// program is a fenced block of the page behind the name of its file.
var programBlock = regexp.MustCompile("(?s)(\n`examples/([a-z./]+)`:\n\n````?[a-z]*\n)(.*?)(````?\n)")

// The programs of docs/consumers.md are the files that the kit checks.
func TestPageShowsTheExamples(t *testing.T) {
	text := read(t, page)
	shown := 0
	fresh := programBlock.ReplaceAllStringFunc(text, func(block string) string {
		m := programBlock.FindStringSubmatch(block)
		shown++
		want := read(t, "../"+m[2])
		if m[3] != want && !*update {
			t.Errorf("docs/consumers.md shows examples/%s as it is not: run go test ./examples/conformance -run Page -update", m[2])
		}
		return m[1] + want + m[4]
	})
	if shown < 6 {
		t.Errorf("docs/consumers.md shows %d programs, want all six that CI runs", shown)
	}
	if *update {
		if err := os.WriteFile(page, []byte(fresh), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
