package main

import "fmt"

// A figure is a row of section 11 of the design, in its words. It is printed where all that it needs has run.
type figure struct {
	what string
	goal string
	seen func(*report) (text string, ok bool)
}

// figures are the rows that can be measured so far.
var figures = []figure{
	{"accepted and flushed, while publishing everything, ÷ `bare`", "≥ 0.60", ratio(ours, bare, accepted)},
	{"the same ÷ one publish per request, `sync_interval: always`", "≥ 8", ratio(ours, flushed, accepted)},
	{"p99 of the answer ÷ p99 of that", "≤ 0.25", ratio(ours, flushed, p99)},
	{"allocations per accepted event, of the whole process", "≤ 40", one(ours, mallocs, "%.0f", 1)},
	{"start to first accepted event, empty", "≤ 0.5 s", firstAcceptedEvent},
	{"resident memory, without a backlog", "≤ 200 MB", one(ours, resident, "%.0f MB", 1e6)},
}

// ratio is the quotient of two contestants' medians.
func ratio(above, below string, of func(round) float64) func(*report) (string, bool) {
	return func(r *report) (string, bool) {
		a, b := r.named(above), r.named(below)
		if a == nil || b == nil || medianOf(b, of) == 0 {
			return "", false
		}
		return fmt.Sprintf("%.2f", medianOf(a, of)/medianOf(b, of)), true
	}
}

// one is the median of one contestant, in a unit.
func one(name string, of func(round) float64, format string, unit float64) func(*report) (string, bool) {
	return func(r *report) (string, bool) {
		a := r.named(name)
		if a == nil {
			return "", false
		}
		return fmt.Sprintf(format, medianOf(a, of)/unit), true
	}
}

func firstAcceptedEvent(r *report) (string, bool) {
	return fmt.Sprintf("%.2f s", median(r.Starts).Seconds()), len(r.Starts) > 0
}
