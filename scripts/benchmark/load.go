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

// loadCommand is the load: every connection sends a delivery, waits for its answer, and sends the next (closed loop).
type loadCommand struct {
	URL         string        `required:""`
	Turn        time.Duration `required:""`
	Connections int           `required:""`
	Size        int           `required:""`
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
		n += uint64(count)
	}
	return n
}

func (r loadResult) sent() uint64 { return r.Accepted + r.failed() }

// load runs the load as a process of its own, so that what it takes is not in a contestant's figures.
func (b *benchmark) load(ctx context.Context, url string, turn time.Duration) (r loadResult, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	ctx, cancel := context.WithTimeout(ctx, turn+2*patience)
	defer cancel()
	var out, problems bytes.Buffer
	command := exec.CommandContext(ctx, self, "load", "--url", url, "--turn", turn.String(),
		"--connections", strconv.Itoa(b.Connections), "--size", strconv.Itoa(b.Size))
	command.Stdout, command.Stderr = &out, &problems
	if err := command.Run(); err != nil {
		return r, fmt.Errorf("load: %w: %s", err, bytes.TrimSpace(problems.Bytes()))
	}
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		return r, fmt.Errorf("load: %w", err)
	}
	r.CPU = (&process{command: command}).cpu()
	return r, nil
}

// Run prints one loadResult.
func (c loadCommand) Run(w *world) error {
	all := make([]*connection, c.Connections)
	for i := range all {
		var err error
		if all[i], err = dial(c.URL, c.Size); err != nil {
			return err
		}
		defer all[i].close()
	}
	return json.NewEncoder(w.stdout).Encode(send(all, c.Turn))
}

// send keeps all connections busy for a turn.
func send(all []*connection, turn time.Duration) loadResult {
	begun := time.Now()
	var wait sync.WaitGroup
	for _, c := range all {
		wait.Go(func() { c.keepSending(begun.Add(turn)) })
	}
	wait.Wait()
	r := loadResult{Failed: map[string]int{}, Seconds: time.Since(begun).Seconds()}
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
