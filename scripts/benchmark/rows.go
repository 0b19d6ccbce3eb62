package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// A row is something to measure. It can be measured alone.
type row struct {
	name  string // for --rows
	what  string
	extra bool // only on demand
	run   func(*benchmark, context.Context) error
}

// rows are in the order in which they are measured.
func rows() []row {
	return []row{
		{name: "accept", what: "contestants in turn, closed loop: rate and time of the answer", run: (*benchmark).accept},
		{name: "latency", what: "contestants in turn, open loop at half of their highest rate", run: (*benchmark).latency},
		{name: "start", what: "from the start to the first accepted event, empty", run: (*benchmark).starts},
		{name: "outage", what: "accepting while NATS is up and while it is down", run: (*benchmark).outage},
		{name: "backlog", what: "a backlog: memory, cost, start, publishing it, what overtakes it", run: (*benchmark).backlog},
		{name: "handover", what: "from the answer to a handler, idle, and from a plain publish to a fetch", run: (*benchmark).handover},
		{name: "consume", what: "events handled, and fetched plainly", run: (*benchmark).consume},
		{name: "replay", what: "events replayed", run: (*benchmark).replay},
		{name: "stream", what: "cost of an event against the length of the stream", run: (*benchmark).streamCurve},
		{name: "sources", what: "cost of an event against the number of sources", run: (*benchmark).sourceCurve},
		{name: "consumers", what: "cost of an event against the number of consumers", run: (*benchmark).consumerCurve},
		{name: "memory", what: "memory and start with a backlog of ten times as many", extra: true, run: (*benchmark).memory},
	}
}

func rowNames() string {
	var names []string
	for _, r := range rows() {
		names = append(names, r.name)
	}
	return strings.Join(names, ", ")
}

// chooseRows gives the rows of these names, or those that are no extras.
func chooseRows(only []string, long bool) (chosen []row, err error) {
	for _, r := range rows() {
		if slices.Contains(only, r.name) || len(only) == 0 && (!r.extra || long) {
			chosen = append(chosen, r)
		}
	}
	if len(only) > 0 && len(chosen) != len(only) {
		return nil, fmt.Errorf("--rows: want names of %s, each once", rowNames())
	}
	return chosen, nil
}
