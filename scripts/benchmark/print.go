package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// print writes all that was seen, for people. Its tables are Markdown as well.
func (r records) print(w io.Writer) {
	if len(r) == 0 {
		return
	}
	fmt.Fprintln(w)
	for _, line := range r.circumstances() {
		fmt.Fprintln(w, line)
	}
	for _, t := range r.tables() {
		fmt.Fprintf(w, "\n%s\n\n", t.title)
		printTable(w, t.rows)
	}
	fmt.Fprintln(w)
	printTable(w, r.figureRows())
}

// circumstances say on what was measured. Records of several machines are told apart.
func (r records) circumstances() (lines []string) {
	said := map[string]bool{}
	for _, one := range r {
		m := one.Machine
		line := fmt.Sprintf("machine: %s, %d cores, %s, %s; %s", m.CPU, m.Cores, m.System, m.Go, strings.Join(m.Versions, ", "))
		if !said[line] {
			lines = append(lines, line)
		}
		said[line] = true
	}
	var flush []float64
	for _, one := range r {
		flush = append(flush, one.Machine.Flush.Seconds())
	}
	return append(lines, fmt.Sprintf("disk: write and flush of 4 kB %s ms (median)", ms(median(flush))))
}

// A table has a heading as its first row.
type table struct {
	title string
	rows  [][]string
}

// tables are those of every row but the figures.
func (r records) tables() (all []table) {
	for _, one := range append(r.of("accept"), r.of("latency")...) {
		loop := "closed loop"
		if one.Row == "latency" {
			loop = "open loop at half of the highest rate"
		}
		title := fmt.Sprintf("%s: %d connections, bodies of %d bytes, %d sources, medians of %d rounds",
			loop, one.Connections, one.Size, one.Sources, one.Rounds)
		all = append(all, table{title, one.contestantRows()})
	}
	for _, row := range []string{"journal", "stream", "sources", "consumers"} {
		if points := r.of(row); len(points) > 0 {
			all = append(all, table{curveTitles[row], points.curveRows(row)})
		}
	}
	return all
}

var curveTitles = map[string]string{
	"journal":   "against the length of the journal, while NATS is down",
	"stream":    "against the length of the stream",
	"sources":   "against the number of sources",
	"consumers": "against the number of consumers that wait for other events",
}

func (r record) contestantRows() [][]string {
	rows := [][]string{{
		"contestant", "accepted/s", "p50 ms", "p99 ms", "p99.9 ms", "in the stream after", "with it/s", "CPU µs", "allocations", "load CPU", "MB",
	}}
	for _, c := range contestants {
		if _, ok := r.Values.median(c.name, "rate"); !ok {
			continue
		}
		of := func(what string) float64 { v, _ := r.Values.median(c.name, what); return v }
		rows = append(rows, []string{
			c.title, fixed(of("rate"), 0), ms(of("p50")), ms(of("p99")), ms(of("p999")), fixed(of("lag"), 3) + " s",
			fixed(of("through"), 0), fixed(of("cpu")*1e6, 0), fixed(of("mallocs"), 0), fixed(of("load"), 2), fixed(of("resident")/1e6, 0),
		})
	}
	return rows
}

func (r records) curveRows(row string) [][]string {
	rows := [][]string{{row, "accepted/s", "p99 ms", "CPU µs", "allocations", "MB"}}
	for _, point := range r {
		of := func(what string) float64 { v, _ := point.Values.median(ours, what); return v }
		rows = append(rows, []string{
			strconv.Itoa(point.At), fixed(of("rate"), 0), ms(of("p99")), fixed(of("cpu")*1e6, 1), fixed(of("mallocs"), 0),
			fixed(of("resident")/1e6, 0),
		})
	}
	return rows
}

func (r records) figureRows() [][]string {
	rows := [][]string{{"figure", "goal", "seen", ""}}
	for _, f := range figures() {
		value, text, ok := f.look(r)
		if !ok {
			continue
		}
		verdict := ""
		if f.holds != nil && !f.holds(value) {
			verdict = "not reached"
		}
		rows = append(rows, []string{f.what, f.goal, text, verdict})
	}
	return rows
}

func fixed(v float64, digits int) string { return strconv.FormatFloat(v, 'f', digits, 64) }

func ms(seconds float64) string { return fixed(seconds*1e3, 2) }

// printTable pads the columns; the first row is the heading.
func printTable(w io.Writer, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	for n, row := range rows {
		for i, cell := range row {
			fmt.Fprintf(w, "| %-*s ", width[i], cell)
		}
		fmt.Fprintln(w, "|")
		if n > 0 {
			continue
		}
		for _, n := range width {
			fmt.Fprintf(w, "| %s ", strings.Repeat("-", max(n, 1)))
		}
		fmt.Fprintln(w, "|")
	}
}
