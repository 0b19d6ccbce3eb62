package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMain lets this binary be the contestants and the load, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == "load") {
		main()
		return
	}
	os.Exit(m.Run())
}

// One short run of all that the goals are about: nothing fails, nothing is missing from the stream, every row is seen.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts programs and loads them for ten seconds")
	}
	dir := t.TempDir()
	forebay := filepath.Join(dir, "forebay")
	if out, err := exec.Command("go", "build", "-o", forebay, "../../cmd/forebay").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"--forebay", forebay, "--dir", dir, "--json",
		"--rounds=1", "--seconds=1", "--connections=8", "--only", "bare,forebay,always"}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var got struct {
		Results []result
		Figures []struct{ Figure, Seen string }
	}
	if err := json.Unmarshal(stdout.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Results) != 3 || len(got.Figures) != len(figures) {
		t.Errorf("%d results and %d figures\n%s", len(got.Results), len(got.Figures), stdout.Bytes())
	}
	for _, f := range got.Figures {
		if strings.HasPrefix(f.Seen, "0 ") || f.Seen == "0" {
			t.Errorf("%s: %s", f.Figure, f.Seen)
		}
	}
}

func TestArgumentsAreBounded(t *testing.T) {
	for _, args := range [][]string{
		{"--rounds=0"}, {"--seconds=3600"}, {"--connections=0"}, {"--size=1"}, {"--only=nobody"}, {"--only=bare,bare"},
	} {
		args = append(args, "--forebay", os.Args[0], "--dir", t.TempDir())
		if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

func TestReportIsPrinted(t *testing.T) {
	one := round{Load: loadResult{Accepted: 600, Seconds: 2, P99: 30e6}, Mallocs: 24000, Resident: 5e7}
	two := round{Load: loadResult{Accepted: 1000, Seconds: 2, P99: 60e6}}
	r := &report{Results: []*result{
		{Name: bare, Title: "bare", Rounds: []round{two}},
		{Name: ours, Title: "forebay", Rounds: []round{one}},
		{Name: flushed, Title: "always", Rounds: []round{two}},
	}}
	var out bytes.Buffer
	r.print(&out)
	for _, want := range []string{"| 0.60 ", "| 0.50 ", "| 40 ", "| 50 MB "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables have no %q:\n%s", want, &out)
		}
	}
	if err := r.problems(); err != nil {
		t.Errorf("problems: %v", err)
	}
	r.Results[0].Rounds = slices.Concat(r.Results[0].Rounds, []round{{Load: loadResult{Failed: map[string]int{"status 503": 1}}}})
	if err := r.problems(); err == nil || !strings.Contains(err.Error(), "status 503") {
		t.Errorf("problems: %v", err)
	}
}
