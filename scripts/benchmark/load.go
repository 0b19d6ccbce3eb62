package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// loadCommand is the load: several connections that send deliveries. Closed loop: each waits for its answer and sends the
// next. Open loop: at a rate, whatever the answers do.
type loadCommand struct {
	URL         string        `required:""`
	Turn        time.Duration `required:""`
	Connections int           `required:""`
	Size        int           `required:""`
	Sources     int           `required:""`
	Rate        float64       // a second, open loop; 0: closed loop
	Count       int64         // deliveries at most; 0: as many as fit into the turn
}

// patience is how long a connection waits for an answer at the end of a turn.
const patience = 20 * time.Second

// A loadResult is what a turn was like for those who sent.
type loadResult struct {
	Accepted uint64         `json:"accepted"` // answers of 200
	Failed   map[string]int `json:"failed"`   // by what came instead
	Seconds  float64        `json:"seconds"`  // from the first delivery to the last answer
	P50      time.Duration  `json:"p50"`      // time of an answer that was a success, here and below
	P99      time.Duration  `json:"p99"`
	P999     time.Duration  `json:"p999"`
	CPU      time.Duration  `json:"cpu"` // that the load itself took
}

func (r loadResult) rate() float64 { return float64(r.Accepted) / r.Seconds }

func (r loadResult) failed() (n uint64) {
	for _, count := range r.Failed {
		n += uint64(count) //nolint:gosec // a count
	}
	return n
}

// send runs the load as a process of its own, so that what it takes is not in a contestant's figures.
func (b *benchmark) send(ctx context.Context, c loadCommand) (r loadResult, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Turn+2*patience)
	defer cancel()
	var out, problems bytes.Buffer
	command := exec.CommandContext(ctx, self, "load", "--url", c.URL, "--turn", c.Turn.String(),
		"--connections", strconv.Itoa(c.Connections), "--size", strconv.Itoa(c.Size), "--sources", strconv.Itoa(c.Sources),
		"--rate", fixed(c.Rate, 3), "--count", strconv.FormatInt(c.Count, 10))
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return r, fmt.Errorf("load: %w: %s", err, bytes.TrimSpace(problems.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	r.CPU = command.ProcessState.UserTime() + command.ProcessState.SystemTime()
	return r, b.check(r)
}

// check notes deliveries that were not accepted.
func (b *benchmark) check(r loadResult) error {
	for why, n := range r.Failed {
		b.problems = append(b.problems, fmt.Errorf("%d deliveries failed: %s", n, why))
	}
	if r.Accepted == 0 {
		return fmt.Errorf("nothing was accepted: %v", r.Failed)
	}
	return nil
}

// Run prints one loadResult.
func (c loadCommand) Run(w *world) error {
	all := make([]*connection, c.Connections)
	for i := range all {
		var err error
		if all[i], err = dial(c.URL, nativeLogin, c.Size, c.suffixes(i)...); err != nil {
			return err
		}
		defer all[i].close()
	}
	now := time.Now()
	return json.NewEncoder(w.stdout).Encode(sendAll(all, &pace{begun: now, end: now.Add(c.Turn), rate: c.Rate, count: c.Count}))
}

// suffixes are those of the sources that a connection sends for. Together all connections send for all.
func (c loadCommand) suffixes(connection int) (all []string) {
	for i := connection % c.Sources; i < c.Sources; i += c.Connections {
		all = append(all, sourceSuffix(i))
	}
	return all
}

// sendAll keeps all connections at the pace.
func sendAll(all []*connection, p *pace) loadResult {
	var wait sync.WaitGroup
	for _, c := range all {
		wait.Go(func() { c.keepSending(p) })
	}
	wait.Wait()
	r := loadResult{Failed: map[string]int{}, Seconds: time.Since(p.begun).Seconds()}
	var times histogram
	for _, c := range all {
		r.Accepted += c.times.count
		times.merge(&c.times)
		for why, n := range c.failed {
			r.Failed[why] += n
		}
	}
	r.P50, r.P99, r.P999 = times.quantile(.5), times.quantile(.99), times.quantile(.999)
	return r
}
