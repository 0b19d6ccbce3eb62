package config

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Files that the parser alone would work on for minutes, or overflow the stack with. Each is refused at once, and the
// error says where.
func TestHostileFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		want string
	}{
		"brackets":     {"data: x\ntls: " + strings.Repeat("[", 1<<17), ":2: " + errTooDeep.Error()},
		"braces":       {strings.Repeat("{a: ", 1<<17), ":1: " + errTooDeep.Error()},
		"mixed":        {strings.Repeat("[{a: ", 1<<17), ":1: " + errTooDeep.Error()},
		"dashes":       {strings.Repeat("- ", 1<<17), ":1: " + errTooDeep.Error()},
		"keys":         {strings.Repeat("? ", 1<<17), ":1: unexpected scalar value type"},
		"indentations": {staircase(1500), ":1001: " + errTooDeep.Error()},
		"long":         {strings.Repeat("#", maxFile) + "\n", ": larger than"},
		"a few":        {"sources: " + strings.Repeat("[", 90), ": sequence end token"},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, c.text)
			began := time.Now()
			_, err := Load(path, Options{Getenv: environment(nil)})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %.200v, want %s", err, c.want)
			}
			if took := time.Since(began); took > parseTime/2 {
				t.Errorf("took %v", took)
			}
		})
	}
}

// staircase has each key one column to the right of the one before.
func staircase(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// What nothing else bounds, time does.
func TestParseGivesUp(t *testing.T) {
	began := time.Now()
	_, err := parse([]byte(strings.Repeat("a: b\n", 20_000)), time.Millisecond)
	if took := time.Since(began); !errors.Is(err, errTooSlow) || took > 5*time.Second {
		t.Errorf("got %v after %v, want %v", err, took, errTooSlow)
	}
}

// A file of thousands of sources is none of these.
func TestLargeFile(t *testing.T) {
	var b strings.Builder
	b.WriteString("sources:\n")
	for i := range 3000 {
		fmt.Fprintf(&b, "  source%d: {provider: ssofy, secrets: [s]}\n", i)
	}
	if _, err := parse([]byte(b.String()), parseTime); err != nil {
		t.Error(err)
	}
}

func TestEndlessFile(t *testing.T) {
	if _, err := Load("/dev/zero", Options{Getenv: environment(nil)}); !errors.Is(err, errTooLong) {
		t.Errorf("got %v, want %v", err, errTooLong)
	}
	if _, err := Load(filepath.Join(t.TempDir()), Options{}); err == nil {
		t.Error("a folder is loaded")
	}
}
