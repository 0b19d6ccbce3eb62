package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// waitingEvents is what the journal holds when it is damaged, and the stream does not: with room for some memory tables.
const waitingEvents = 6000

// damage fills a journal while NATS is away, and damages a file of it: a bit, a block of zeros, or an end that is missing.
// Forebay must start, publish nothing but what was sent, and have counted what it lost.
func (c fullDiskCommand) damage(ctx context.Context, t *trial, sum *tally) error {
	if err := t.daemon.start(ctx); err != nil {
		return err
	}
	l := t.startLoad(ctx, &load{events: waitingEvents, honest: true})
	defer l.abandon()
	if err := l.sent(ctx); err != nil {
		return err
	}
	closed := t.rng.IntN(2) == 0
	if !closed {
		t.daemon.kill()
	} else if err := t.daemon.stop(); err != nil {
		return err
	}
	what, err := harmJournal(filepath.Join(t.daemon.data, "journal"), t.rng, closed)
	if err != nil {
		return err
	}
	healed := time.Now()
	if err := errors.Join(t.server.start(ctx), t.drain(ctx)); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	part, err := t.settle(ctx, healed)
	if err != nil {
		return err
	}
	reported, err := reportedLost(t.daemon.data)
	if err != nil {
		return err
	}
	t.prover.say("journal %d: %s: %d of %d lost, %d reported", t.round, what, part.Lost, part.Accepted, reported)
	if part.Lost <= reported { // what a disk has spoilt is gone; that it is said is the promise
		part.Lost = 0
		part.problems = slices.DeleteFunc(part.problems, func(p string) bool { return strings.HasPrefix(p, "lost: ") })
	} else {
		part.violate("round %d: %s: %d lost, %d reported; the log ends so:\n%s", t.round, what, part.Lost, reported, t.daemon.lastLines(20))
	}
	sum.add(part)
	return t.daemon.stop()
}

// harmJournal damages a file: most often a table, which may hold what nothing else does, or the newest log. After a crash
// the end of that one may be torn, and nobody can tell what is missing: it is damaged only if forebay was stopped.
func harmJournal(dir string, rng *rand.Rand, closed bool) (what string, err error) {
	kinds := []string{"*.sst", "*.sst", "*.sst", "*.log", "*.log", "MANIFEST-*", "OPTIONS-*"}
	kind := kinds[rng.IntN(len(kinds))]
	files, err := filepath.Glob(filepath.Join(dir, kind))
	if err != nil || len(files) == 0 {
		return "", errors.Join(err, fmt.Errorf("no %s in %s", kind, dir))
	}
	slices.Sort(files)
	newest := len(files) - 1
	file := files[rng.IntN(len(files))]
	switch {
	case kind == "*.log" && closed:
		file = files[newest]
	case kind == "*.log" && newest > 0:
		file = files[rng.IntN(newest)]
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	size := len(data)
	at := rng.IntN(size + 1)
	switch rng.IntN(4) {
	case 0:
		what, data = "cut", data[:at]
	case 1:
		what = "a block of zeros"
		clear(data[at:min(len(data), at+4096)])
	default:
		what = "a bit"
		if at < len(data) {
			data[at] ^= 1 << rng.IntN(8)
		}
	}
	return fmt.Sprintf("%s in %s at %d of %d, stopped: %v", what, filepath.Base(file), at, size, closed),
		os.WriteFile(file, data, 0o600)
}

// drain starts forebay, as often as a supervisor does when /healthz says that only a restart helps, until its journal has
// nothing left to publish.
func (t *trial) drain(ctx context.Context) error {
	starts := 1
	if err := t.daemon.launch(); err != nil {
		return err
	}
	return poll(ctx, 2*startTime, func() error {
		if !t.daemon.alive() {
			return fmt.Errorf("forebay ended: %w", t.daemon.process.err)
		}
		status, text, err := get(ctx, t.daemon.admin+"/healthz")
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			t.prover.say("journal %d: %s", t.round, strings.TrimSpace(text))
			if starts++; starts > 3 {
				return fmt.Errorf("restarted %d times: %s", starts, text)
			}
			t.daemon.kill()
			return errors.Join(errors.New("started again"), t.daemon.launch())
		}
		waiting, err := t.daemon.metric(ctx, "forebay_journal_events")
		if err == nil && waiting > 0 {
			err = fmt.Errorf("%.0f events wait", waiting)
		}
		return err
	})
}

// metric is the sum of a metric over its labels.
func (d *daemon) metric(ctx context.Context, name string) (sum float64, err error) {
	_, text, err := get(ctx, d.admin+"/metrics")
	if err != nil {
		return 0, err
	}
	found := false
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, name+"{") && !strings.HasPrefix(line, name+" ") {
			continue
		}
		fields := strings.Fields(line)
		value, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			return 0, err
		}
		sum, found = sum+value, true
	}
	if !found {
		return 0, fmt.Errorf("no metric %s", name)
	}
	return sum, nil
}

var lostLine = regexp.MustCompile(`(?m)^lane \w+: \d+ events kept, (\d+) lost$`)

// reportedLost adds up what the reports beside the journal say.
func reportedLost(data string) (lost int, err error) {
	reports, err := filepath.Glob(filepath.Join(data, "journal-damaged-*", "salvage.txt"))
	if err != nil {
		return 0, err
	}
	for _, name := range reports {
		text, err := os.ReadFile(name)
		if err != nil {
			return 0, err
		}
		for _, match := range lostLine.FindAllSubmatch(text, -1) {
			n, err := strconv.Atoi(string(bytes.TrimSpace(match[1])))
			if err != nil {
				return 0, err
			}
			lost += n
		}
	}
	return lost, nil
}
