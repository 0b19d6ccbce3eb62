package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestMain lets this binary be the contestants, the load and the servers, as the program is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.Contains([]string{"serve", "nats", "load", "publish"}, os.Args[1]) {
		main()
		return
	}
	os.Exit(m.Run())
}

// One short run of most rows: nothing fails, nothing is missing from the stream, and their figures are seen.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("starts programs and loads them for half a minute")
	}
	dir := t.TempDir()
	forebay, kept := filepath.Join(dir, "forebay"), filepath.Join(dir, "kept")
	if out, err := exec.Command("go", "build", "-o", forebay, "../../cmd/forebay").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	var stdout, stderr bytes.Buffer
	err := run(t.Context(), []string{"--forebay", forebay, "--dir", dir, "--keep", kept, "--rounds=1", "--seconds=1",
		"--connections=8", "--sizes=512", "--sources=1", "--backlog=10000", "--only=bare,forebay,always",
		"--rows=accept,start,outage,backlog,handover,consume,replay"}, &stdout, &stderr)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	seen, err := loadRecords(kept)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range figures() {
		value, _, ok := f.look(seen)
		if !ok {
			continue
		}
		if found++; value <= 0 {
			t.Errorf("%s: %v", f.what, value)
		}
	}
	if found != 18 { // all but those of the other rows, and of contestants and a backlog on demand
		t.Errorf("%d figures:\n%s", found, stdout.Bytes())
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 3 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}

func TestArgumentsAreBounded(t *testing.T) {
	for _, args := range [][]string{
		{"--rounds=0"}, {"--seconds=3600"}, {"--connections=0"}, {"--sizes=1"}, {"--sources=100000"}, {"--backlog=1"},
		{"--only=nobody"}, {"--only=bare,bare"}, {"--rows=nothing"},
	} {
		args = append(args, "--forebay", os.Args[0], "--dir", t.TempDir())
		if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// A sample is a record as the row accept makes it.
func sample(connections int, oursRate, bareRate float64) record {
	return record{Row: "accept", load: load{connections, 512, 1}, Rounds: 1, Values: values{
		"forebay.rate": {1, oursRate, 1e9}, "bare.rate": {bareRate}, "always.rate": {100},
		"forebay.p99": {.003}, "always.p99": {.006}, "forebay.mallocs": {41},
	}}
}

func TestTheTableHasGoalsAndFigures(t *testing.T) {
	var out bytes.Buffer
	seen := records{sample(16, 1, 1), sample(64, 600, 1000)}
	seen.print(&out)
	for _, want := range []string{"| ≥ 0.60 ", "| 0.60 ", "| 6 ", "| 0.50 ", "| 41 ", "not reached"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the tables have no %q:\n%s", want, &out)
		}
	}
	if got := strings.Count(out.String(), "not reached"); got != 3 {
		t.Errorf("%d goals are not reached, want 3:\n%s", got, &out)
	}
}

// A figure about a million events says so when there were fewer; one about ten million takes nothing else.
func TestAShorterBacklogIsNamed(t *testing.T) {
	of := func(events int, resident float64) record {
		return record{Row: "backlog", At: events, Values: values{"forebay.resident": {1e6, resident}}}
	}
	for _, c := range []struct {
		seen    records
		backlog int
		want    string
	}{
		{records{of(20_000, 50e6)}, million, "50 MB (with 20k)"},
		{records{of(20_000, 50e6), of(million, 60e6), of(10*million, 70e6)}, million, "60 MB"},
		{records{of(million, 60e6), of(10*million, 70e6)}, 10 * million, "70 MB"},
		{records{of(million, 60e6)}, 10 * million, ""},
	} {
		_, text, ok := most("memory", 200, " MB", peak("backlog", ours, "resident", 1e6)).with(c.backlog).look(c.seen)
		if ok != (c.want != "") || ok && text != c.want {
			t.Errorf("%q, %t; want %q", text, ok, c.want)
		}
	}
}

func TestFailedDeliveriesAreAProblem(t *testing.T) {
	var b benchmark
	if err := b.check(loadResult{Accepted: 1, Failed: map[string]int{}}); err != nil || len(b.problems) > 0 {
		t.Errorf("problems: %v, %v", err, b.problems)
	}
	if err := b.check(loadResult{Accepted: 1, Failed: map[string]int{"status 503": 2}}); err != nil || len(b.problems) != 1 {
		t.Errorf("problems: %v, %v", err, b.problems)
	}
	if b.check(loadResult{}) == nil {
		t.Error("nothing was accepted, and that is no error")
	}
}

// What is kept is read again; of records about the same, the newest counts.
func TestTheNewestIsReported(t *testing.T) {
	kept, docs := filepath.Join(t.TempDir(), "kept"), t.TempDir()
	for _, r := range []records{{sample(64, 500, 1000), sample(256, 800, 1000)}, {sample(64, 700, 1000)}} {
		if err := r.keep(kept); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"report", kept, docs}, &out, &out); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(docs, "performance.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{out.String(), string(page)} {
		if !strings.Contains(text, "| 0.70 ") || strings.Contains(text, "| 500 ") {
			t.Errorf("not the newest:\n%s", text)
		}
	}
	if !strings.Contains(string(page), "(performance-rate.svg)") || strings.Contains(string(page), "(performance-memory.svg)") {
		t.Errorf("the page shows other pictures than there are:\n%s", page)
	}
	if _, err := os.Stat(filepath.Join(docs, "performance-rate.svg")); err != nil {
		t.Error(err)
	}
}

func TestMatch(t *testing.T) {
	m := &match{open: map[string]time.Time{}}
	now := time.Now()
	m.note("a", now, false)
	m.note("a", now.Add(3*time.Second), true)
	m.note("b", now.Add(3*time.Second), true) // the handler was faster than we
	m.note("b", now, false)
	if got := m.times.quantile(0); m.times.count != 2 || got < 3*time.Second {
		t.Errorf("%d times, the shortest %s", m.times.count, got)
	}
}
