package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"
)

// All examples whose tools are here pass every case. CI allows no skipped test, and so runs them all.
func TestExamples(t *testing.T) {
	bin := build(t)
	for _, e := range []struct {
		name  string
		kind  kind
		needs []string
		argv  func(t *testing.T) []string
	}{
		{"go/consumer", client, nil, argv(filepath.Join(bin, "consumer"))},
		{"go/nats", client, nil, argv(filepath.Join(bin, "nats"))},
		{"typescript", client, []string{"node", "npm"}, typescript},
		{"python/command", command, []string{"python3"}, argv("python3", example(t, "python/command.py"))},
		{"python/webhook", webhook, []string{"python3"}, argv("python3", example(t, "python/webhook.py"))},
		{"shell/command", command, []string{"bash", "jq", "curl"}, argv("bash", example(t, "shell/command.sh"))},
	} {
		t.Run(e.name, func(t *testing.T) {
			for _, name := range e.needs {
				if _, err := exec.LookPath(name); err != nil {
					t.Skipf("%s is missing", name)
				}
			}
			t.Parallel()
			var out bytes.Buffer
			o := options{
				forebay: filepath.Join(bin, "forebay"), kind: e.kind, name: e.name, argv: e.argv(t), environ: os.Environ(),
				patience: time.Minute,
			}
			if err := check(t.Context(), o, &out); err != nil {
				t.Errorf("%v\n%s", err, &out)
			}
			t.Log("\n" + out.String())
		})
	}
	t.Run("faults", func(t *testing.T) { testFaults(t, filepath.Join(bin, "forebay")) })
}

// testFaults has programs that do something wrong, and wants the kit to say what.
func testFaults(t *testing.T, forebay string) {
	post := `jq -c '{to: .otp.to, channel: .otp.channel, id: .user.id, user: .user.id, email: .user.email}' | curl -s -f --data @- ` +
		`-H "Idempotency-Key: $FOREBAY_SOURCE/$FOREBAY_ID" $WORK_URL/$([ $FOREBAY_ACTION = otp.requested ] && echo codes || echo users)`
	for name, c := range map[string]struct{ script, fails string }{
		"does nothing":   {`:`, "any provider,code,user,sealed,hostile,novelty,duplicate,retry,gives up,permanent,slow,redrive,replay,restart,broker"},
		"hears nothing":  {post + `; exit 0`, "sealed,unknown action,retry,gives up,permanent,redrive"},
		"never gives up": {post, "sealed,unknown action,permanent,redrive"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			o := options{
				forebay: forebay, kind: command, name: name, argv: []string{"bash", "-c", "set -o pipefail\n" + c.script},
				environ: os.Environ(), patience: 8 * time.Second,
			}
			if name == "does nothing" {
				o.patience = time.Second
			}
			if err := check(t.Context(), o, &out); err == nil {
				t.Error("the kit is content")
			}
			var failed []string
			for line := range strings.Lines(out.String()) {
				if rest, ok := strings.CutPrefix(line, "FAIL"); ok {
					name, _, _ := strings.Cut(strings.TrimSpace(rest), "  ")
					failed = append(failed, name)
				}
			}
			if got := strings.Join(failed, ","); got != c.fails {
				t.Errorf("failed %s\nwant   %s\n%s", got, c.fails, &out)
			}
		})
	}
}

func argv(words ...string) func(*testing.T) []string {
	return func(*testing.T) []string { return words }
}

// example is a file of the examples.
func example(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// build compiles forebay and the examples in Go: with the race detector where the test has it, which the cache then knows.
func build(t *testing.T) (bin string) {
	t.Helper()
	bin = t.TempDir()
	args := []string{"build", "-o", bin + string(filepath.Separator)}
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-race" && s.Value == "true" {
				args = append(args, "-race")
			}
		}
	}
	do(t, exec.Command("go", append(args, "../../cmd/forebay", "../go/consumer", "../go/nats")...))
	return bin
}

// typescript compiles the example in a folder of its own, and holds its types to the schema.
func typescript(t *testing.T) []string {
	t.Helper()
	root := t.TempDir()
	folder := filepath.Join(root, "examples", "typescript")
	for _, name := range []string{"package.json", "package-lock.json", "tsconfig.json", "src/consumer.ts", "src/event.ts"} {
		copyFile(t, example(t, "typescript/"+name), filepath.Join(folder, name))
	}
	copyFile(t, example(t, "../schema/event.schema.json"), filepath.Join(root, "schema", "event.schema.json"))
	for _, args := range [][]string{
		{"ci", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"},
		{"run", "--silent", "types"},
		{"run", "--silent", "build"},
	} {
		c := exec.Command("npm", args...)
		c.Dir = folder
		do(t, c)
	}
	if read(t, filepath.Join(folder, "src", "event.ts")) != read(t, example(t, "typescript/src/event.ts")) {
		t.Error("examples/typescript/src/event.ts is not what npm run types makes of schema/event.schema.json")
	}
	return []string{"node", filepath.Join(folder, "dist", "consumer.js")}
}

func do(t *testing.T, c *exec.Cmd) {
	t.Helper()
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, []byte(read(t, from)), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
