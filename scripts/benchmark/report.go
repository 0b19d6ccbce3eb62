package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// A report is what a run has seen.
type report struct {
	settings runCommand
	Machine  machine         `json:"machine"`
	Starts   []time.Duration `json:"starts"` // from forebay's start to its first accepted event, empty
	Results  []*result       `json:"results"`
}

// A result is what was seen of one contestant.
type result struct {
	Name   string        `json:"name"`
	Title  string        `json:"title"`
	CPU    time.Duration `json:"cpu"` // processor time per accepted event, over its life
	Rounds []round       `json:"rounds"`
}

// A round is one turn.
type round struct {
	Load     loadResult    `json:"load"`
	Lag      time.Duration `json:"lag"`      // from the end of the load until the stream had everything
	Mallocs  float64       `json:"mallocs"`  // objects allocated meanwhile; 0: not known
	Resident float64       `json:"resident"` // bytes of memory at the end; 0: not known
}

// medianOf is the median over the rounds of something of them.
func medianOf(r *result, of func(round) float64) float64 {
	var all []float64
	for _, one := range r.Rounds {
		all = append(all, of(one))
	}
	return median(all)
}

// median is the middle of values, of two in the middle the lower. Zero: there are none.
func median[T cmp.Ordered](values []T) (m T) {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return m
	}
	return sorted[(len(sorted)-1)/2]
}

func accepted(r round) float64 { return r.Load.rate() }

// throughput counts an event when the stream has it.
func throughput(r round) float64 {
	return float64(r.Load.Accepted) / (r.Load.Seconds + r.Lag.Seconds())
}

func p50(r round) float64  { return r.Load.P50.Seconds() }
func p99(r round) float64  { return r.Load.P99.Seconds() }
func p999(r round) float64 { return r.Load.P999.Seconds() }
func lag(r round) float64  { return r.Lag.Seconds() }

func loadShare(r round) float64 { return r.Load.CPU.Seconds() / r.Load.Seconds }

func mallocs(r round) float64 { return r.Mallocs / float64(max(r.Load.Accepted, 1)) }

func resident(r round) float64 { return r.Resident }

// named gives the result of a contestant, nil where it had no turn.
func (r *report) named(name string) *result {
	for _, one := range r.Results {
		if one.Name == name {
			return one
		}
	}
	return nil
}

// problems says what makes the figures worthless: deliveries that were not accepted.
func (r *report) problems() (err error) {
	for _, one := range r.Results {
		for n, round := range one.Rounds {
			for why, count := range round.Load.Failed {
				err = errors.Join(err, fmt.Errorf("%s, round %d: %d deliveries failed: %s", one.Name, n+1, count, why))
			}
			if round.Load.Accepted == 0 {
				err = errors.Join(err, fmt.Errorf("%s, round %d: nothing was accepted", one.Name, n+1))
			}
		}
	}
	return err
}
