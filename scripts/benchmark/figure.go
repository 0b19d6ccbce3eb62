package main

import (
	"math"
	"slices"
)

// A figure is a row of section 11 of the design, in its words, or one beside it that has no goal.
type figure struct {
	what  string
	goal  string // "≥ 0.60"; empty: none
	seen  func(records) (value float64, ok bool)
	unit  string
	holds func(float64) bool // whether a value reaches the goal; nil: there is none

	backlog int // of so many events; 0: it is about no backlog
}

// look finds the value, printed with its unit. Where the backlog was a shorter one, the text says so.
func (f figure) look(r records) (value float64, text string, ok bool) {
	if f.backlog == 0 {
		value, ok = f.seen(r)
		return value, digits(value) + f.unit, ok
	}
	some, at := r.behind(f.backlog)
	value, ok = f.seen(some)
	text = digits(value) + f.unit
	if at != f.backlog {
		text += " (with " + grouped(float64(at)) + ")"
	}
	return value, text, ok
}

// behind gives what was seen with a backlog of that length. Where none was measured and a million are meant, the longest
// below it has to do.
func (r records) behind(events int) (some records, at int) {
	for _, one := range r.of("backlog") {
		if one.At == events || events == million && one.At < million {
			some, at = records{one}, one.At
		}
	}
	return some, at
}

// with says of a figure that it is about a backlog.
func (f figure) with(backlog int) figure {
	f.backlog = backlog
	return f
}

// figures are printed where all that they need has been measured.
func figures() []figure {
	return []figure{
		least("accepted and flushed, while publishing everything to the embedded stream, ÷ `bare`, 64 connections", 0.60, "",
			ratio("accept", ours, bare, "rate")),
		least("the same ÷ one publish per request to a stream with `sync_interval: always`", 8, "", ratio("accept", ours, flushed, "rate")),
		most("p99 of the answer ÷ p99 of that", 0.25, "", ratio("accept", ours, flushed, "p99")),
		free("`ack: stream`: accepted ÷ one publish per request to a stream with `sync_interval: always`", "", ratio("accept", "stream", flushed, "rate")),
		free("p99 of the answer, open loop at half of its highest rate", " ms", one("latency", ours, "p99", 1e-3)),
		least("accepting while NATS is down ÷ while it is up", 0.95, "", within("outage", "down", "up", "rate")),
		least("publishing a backlog of 1 million ÷ plain asynchronous publishing of the same messages", 0.80, "",
			ratio("backlog", ours, "plain", "drain")).with(million),
		most("resident memory with a backlog of 1 million", 200, " MB", peak("backlog", ours, "resident", 1e6)).with(million),
		most("resident memory with a backlog of 10 million", 200, " MB", peak("backlog", ours, "resident", 1e6)).with(10 * million),
		most("urgent event from answer to handler while 1 million wait, p99", 50, " ms", one("backlog", "urgent", "p99", 1e-3)).with(million),
		most("from answer to handler, idle system, p99 ÷ plain publish-to-fetch", 2, "", ratio("handover", ours, "plain", "p99")),
		most("allocations per accepted event, of the whole process", 40, "", one("accept", ours, "mallocs", 1)),
		free("the same beyond those of `bare`", "", beyond("accept", ours, bare, "mallocs")),
		most("start to first accepted event, empty", 0.5, " s", one("start", ours, "start", 1)),
		most("start to first accepted event, with a journal of 1 million", 2, " s", one("backlog", "stopped", "start", 1)).with(million),
		most("the same after a kill", 2, " s", one("backlog", "killed", "start", 1)).with(million),
		free("events handled by a consumer ÷ plain JetStream fetch", "", ratio("consume", ours, "plain", "rate")),
		free("events handled by a consumer", " /s", one("consume", ours, "rate", 1)),
		free("events replayed to a consumer", " /s", one("replay", "give", "rate", 1)),
		free("events replayed to standard output", " /s", one("replay", "print", "rate", 1)),
		free("CPU of an event at the end of the curve ÷ at its start: length of the journal", "", growth("journal", "cpu")),
		free("the same: length of the stream", "", growth("stream", "cpu")),
		free("the same: number of sources", "", growth("sources", "cpu")),
		free("the same: number of consumers", "", growth("consumers", "cpu")),
	}
}

const million = 1_000_000

func least(what string, goal float64, unit string, seen func(records) (float64, bool)) figure {
	return figure{what: what, goal: "≥ " + digits(goal) + unit, seen: seen, unit: unit, holds: func(v float64) bool { return v >= goal }}
}

func most(what string, goal float64, unit string, seen func(records) (float64, bool)) figure {
	return figure{what: what, goal: "≤ " + digits(goal) + unit, seen: seen, unit: unit, holds: func(v float64) bool { return v <= goal }}
}

func free(what, unit string, seen func(records) (float64, bool)) figure {
	return figure{what: what, seen: seen, unit: unit}
}

// digits writes a number with as many as are worth reading.
func digits(v float64) string {
	if v >= 20 || v == math.Trunc(v) {
		return fixed(v, 0)
	}
	return fixed(v, 2)
}

// ratio is the quotient of two contestants' medians.
func ratio(row, above, below, what string) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		r, _ := all.base(row)
		a, ok := r.Values.median(above, what)
		b, also := r.Values.median(below, what)
		return a / b, ok && also && b > 0
	}
}

// beyond is the difference of two contestants' medians.
func beyond(row, above, below, what string) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		r, _ := all.base(row)
		a, ok := r.Values.median(above, what)
		b, also := r.Values.median(below, what)
		return a - b, ok && also
	}
}

// within is the same where each turn of the one has a turn of the other beside it: the median of their quotients.
func within(row, above, below, what string) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		r, _ := all.base(row)
		a, b := r.Values[above+"."+what], r.Values[below+"."+what]
		var quotients []float64
		for i := range min(len(a), len(b)) {
			quotients = append(quotients, a[i]/b[i])
		}
		return median(quotients), len(quotients) > 0
	}
}

// one is a median, in a unit.
func one(row, who, what string, unit float64) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		r, _ := all.base(row)
		v, ok := r.Values.median(who, what)
		return v / unit, ok
	}
}

// peak is the highest value, in a unit.
func peak(row, who, what string, unit float64) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		r, _ := all.base(row)
		found := r.Values[who+"."+what]
		if len(found) == 0 {
			return 0, false
		}
		return slices.Max(found) / unit, true
	}
}

// growth is the value at the last point of a curve ÷ at the first that was seen in the same run.
func growth(row, what string) func(records) (float64, bool) {
	return func(all records) (float64, bool) {
		points := all.of(row).lastRun()
		if len(points) < 2 {
			return 0, false
		}
		a, ok := points[len(points)-1].Values.median(ours, what)
		b, also := points[0].Values.median(ours, what)
		return a / b, ok && also && b > 0
	}
}
