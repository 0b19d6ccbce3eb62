package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// What bash itself offers for a line, in the order of names.
func TestCompletionOfBash(t *testing.T) {
	script := completionScript(t, "bash")
	folder := t.TempDir()
	for _, name := range []string{"forebay.yaml", "my keys"} {
		if err := os.WriteFile(filepath.Join(folder, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for line, want := range map[string]string{
		"forebay ver":                   "version",
		"forebay de":                    "dead",
		"forebay dead ":                 "drop list redrive show",
		"forebay dead red":              "redrive",
		"forebay dead redrive --dr":     "--dry-run",
		"forebay --config dead.go dead": "dead", // of the flag's value nothing follows
		"forebay send m":                "mgpass",
		"forebay send ssofy otp_":       "otp_requested",
		"forebay send ssofy --pri":      "--print",
		"forebay consumers ":            "list remove",
		"forebay consumers --js":        "--json",
		"forebay completion ":           "bash fish zsh",
		"forebay send --rate ":          "",
		"forebay send --config fo":      "forebay.yaml",
		"forebay seal keygen --out ":    "forebay.yaml my keys",
		"forebay version ":              "--config --help --json",
		"forebay nonsense --js":         "",
	} {
		if got := completeInBash(t, folder, script, line); got != want {
			t.Errorf("%q is completed with %q, want %q", line, got, want)
		}
	}
}

// Every command and every flag that is not hidden is in the script of every shell.
func TestCompletionNamesEverything(t *testing.T) {
	parser, err := kong.New(&commands{}, kong.Name("forebay"))
	if err != nil {
		t.Fatal(err)
	}
	for shell, flag := range map[string]string{"bash": "--", "zsh": "--", "fish": "-l "} {
		script := completionScript(t, shell)
		for _, c := range completable(nil, "", parser.Model.Node) {
			if !strings.Contains(script, "'"+c.Path+"'") {
				t.Errorf("%s: no command %q", shell, c.Path)
			}
			for _, f := range c.Flags {
				if !strings.Contains(script, flag+f.Name) {
					t.Errorf("%s: %q has no flag --%s", shell, c.Path, f.Name)
				}
			}
		}
	}
}

func TestQuoteShell(t *testing.T) {
	if got, want := quoteShell("the file's `$(name)` \\ \n"), "'the file’s `$(name)` /  '"; got != want {
		t.Errorf("quoteShell = %s, want %s", got, want)
	}
}

func completionScript(t *testing.T, shell string) string {
	t.Helper()
	script, stderr, code := call(t, "completion", shell)
	if code != 0 || script == "" {
		t.Fatalf("completion %s: exit code %d, %s", shell, code, stderr)
	}
	return script
}

// completeInBash calls the function of the script as bash does when Tab is pressed at the end of the line.
func completeInBash(t *testing.T, folder, script, line string) string {
	t.Helper()
	words := strings.Split(line, " ")
	script += `
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_forebay forebay "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"`
	bash := exec.Command("bash", append([]string{"-u", "-c", script, "bash"}, words...)...)
	bash.Dir = folder
	out, err := bash.CombinedOutput()
	if err != nil {
		t.Fatalf("%q: %v: %s", line, err, out)
	}
	offered := strings.Split(strings.TrimSpace(string(out)), "\n")
	slices.Sort(offered)
	return strings.Join(offered, " ")
}
