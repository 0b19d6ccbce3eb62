package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// A record is what was seen of one row, or of one point of a curve.
type record struct {
	Row string `json:"row"`
	At  int    `json:"at,omitempty"` // what varies: events that wait, events in the stream, sources, consumers
	load

	Rounds  int       `json:"rounds"`
	When    time.Time `json:"when"`
	Machine machine   `json:"machine"`
	Values  values    `json:"values"`
}

// A load is the shape of the deliveries of a row.
type load struct {
	Connections int `json:"connections"`
	Size        int `json:"size"` // bytes of a body
	Sources     int `json:"sources"`
}

// values are what was measured, by "who.what", each turn's in order: "forebay.rate". Times are seconds, sizes bytes.
type values map[string][]float64

func (v values) add(who, what string, value float64) {
	v[who+"."+what] = append(v[who+"."+what], value)
}

// median is the middle of the turns' values. False: there are none.
func (v values) median(who, what string) (float64, bool) {
	all := v[who+"."+what]
	return median(all), len(all) > 0
}

// median is the middle of values, of two in the middle the lower. Zero: there are none.
func median[T cmp.Ordered](values []T) (m T) {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return m
	}
	return sorted[(len(sorted)-1)/2]
}

// records are what runs have seen, the oldest first.
type records []record

// of gives the records of a row, by what varies.
func (r records) of(row string) (found records) {
	for _, one := range r {
		if one.Row == row {
			found = append(found, one)
		}
	}
	slices.SortStableFunc(found, func(a, b record) int { return a.compare(b) })
	return found
}

// base gives the record of a row with the load of the goals, or else its first.
func (r records) base(row string) (record, bool) {
	found := r.of(row)
	for _, one := range found {
		if one.load == (load{64, 512, 1}) {
			return one, true
		}
	}
	if len(found) == 0 {
		return record{}, false
	}
	return found[0], true
}

func (r record) compare(other record) int {
	return cmp.Or(cmp.Compare(r.At, other.At), cmp.Compare(r.Size, other.Size), cmp.Compare(r.Sources, other.Sources),
		cmp.Compare(r.Connections, other.Connections))
}

// latest keeps the newest of the records that are about the same.
func (r records) latest() (kept records) {
	for i, one := range r {
		again := func(later record) bool { return later.Row == one.Row && later.compare(one) == 0 }
		if !slices.ContainsFunc(r[i+1:], again) {
			kept = append(kept, one)
		}
	}
	return kept
}

// lastRun keeps those that were seen in the same run as the last. A run times the flush of its disk once, to the
// nanosecond: that tells it from others.
func (r records) lastRun() (kept records) {
	for _, one := range r {
		if one.Machine.Flush == r[len(r)-1].Machine.Flush {
			kept = append(kept, one)
		}
	}
	return kept
}

// write writes one JSON object a line.
func (r records) write(w io.Writer) error {
	e := json.NewEncoder(w)
	for _, one := range r {
		if err := e.Encode(one); err != nil {
			return err
		}
	}
	return nil
}

// keep appends the records to a file.
func (r records) keep(name string) error {
	file, err := os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(r.write(file), file.Close())
}

func loadRecords(name string) (r records, err error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // read only
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var one record
		if err := json.Unmarshal(lines.Bytes(), &one); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", name, len(r)+1, err)
		}
		r = append(r, one)
	}
	return r, lines.Err()
}
