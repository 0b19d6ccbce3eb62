package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A problem is what is wrong at a key of the file: "forebay.yaml:12: sources.acme.secrets: …".
type problem struct {
	file string
	line int    // 0: not known
	key  string // empty: the file as a whole
	err  error
}

func (p problem) Error() string { return p.where() + ": " + p.err.Error() }

func (p problem) Unwrap() error { return p.err }

func (p problem) where() string {
	where := p.file
	if p.line > 0 {
		where += fmt.Sprintf(":%d", p.line)
	}
	if p.key != "" {
		where += ": " + p.key
	}
	return where
}

// A report gathers problems, so that one run names them all, and knows on which line each key is.
type report struct {
	file     string
	lines    map[string]int // by key path: "sources.acme.secrets[1]"
	problems []problem
	decoding []problem // those of the first step, decoding; see fail
	warnings []string
}

// has reports whether the file has the key.
func (r *report) has(key string) bool { return r.lines[key] > 0 }

// fail notes a problem at a key. If the file does not have the key, the line is that of the nearest one around it.
// What decoding has already complained about, at this key or inside it, is not held against the file twice: where
// "secret" is an unknown key, "no secrets" helps nobody.
func (r *report) fail(key, format string, args ...any) {
	if slices.ContainsFunc(r.decoding, func(p problem) bool { return strings.HasPrefix(p.key, key) }) {
		return
	}
	r.problems = append(r.problems, r.at(key, fmt.Errorf(format, args...)))
}

func (r *report) warn(key, format string, args ...any) {
	r.warnings = append(r.warnings, r.at(key, fmt.Errorf(format, args...)).Error())
}

func (r *report) at(key string, err error) problem {
	return problem{file: r.file, line: r.line(key), key: key, err: err}
}

func (r *report) line(key string) int {
	for key != "" && !r.has(key) {
		key = key[:max(0, strings.LastIndexAny(key, ".["))]
	}
	return r.lines[key]
}

// err joins the problems in the order of the file.
func (r *report) err() error {
	slices.SortStableFunc(r.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(r.problems))
	for i, p := range r.problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}
