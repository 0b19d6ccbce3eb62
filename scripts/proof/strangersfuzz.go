package main

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// A target is a fuzz test: a package and a function.
type target struct{ folder, name string }

// fuzz runs every fuzz test of the repository for a while, one after the other. The working folder is the repository's.
func (c strangersCommand) fuzz(ctx context.Context, p *prover, sum *tally) error {
	each := c.Fuzz
	if p.Short && each == 0 {
		return ctx.Err()
	}
	targets, err := fuzzTargets(".")
	if err != nil {
		return err
	}
	for _, t := range targets {
		p.say("fuzz %s in %s", t.name, t.folder)
		test := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-fuzz", "^"+t.name+"$",
			"-fuzztime", cmp.Or(each, time.Minute).String(), "./"+t.folder)
		if output, err := test.CombinedOutput(); err != nil && ctx.Err() == nil {
			sum.violate("%s in %s: %v: %s", t.name, t.folder, err, lastLine(output))
		}
	}
	return ctx.Err()
}

func lastLine(text []byte) string {
	lines := strings.Split(string(bytes.TrimSpace(text)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], " | ")
}

var fuzzTest = regexp.MustCompile(`(?m)^func (Fuzz\w+)\(f \*testing\.F\)`)

// fuzzTargets finds the fuzz tests below a folder.
func fuzzTargets(root string) (targets []target, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return cmp.Or(err, fs.SkipDir)
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range fuzzTest.FindAllSubmatch(text, -1) {
			targets = append(targets, target{filepath.Dir(path), string(m[1])})
		}
		return err
	})
	return targets, err
}
