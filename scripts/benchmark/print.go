package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"
)

// print writes the report for people. Its tables are Markdown as well.
func (r *report) print(w io.Writer) {
	m := r.Machine
	fmt.Fprintf(w, "\nmachine: %s, %d cores, %s, %s, flush of 4 kB %.2f ms (median)\n",
		m.CPU, m.Cores, m.System, m.Go, m.Flush.Seconds()*1e3)
	fmt.Fprintf(w, "versions: %s\n", strings.Join(m.Versions, ", "))
	s := r.settings
	fmt.Fprintf(w, "load: %d connections, bodies of %d bytes, %d rounds of %d s each in turn, medians\n\n",
		s.Connections, s.Size, s.Rounds, s.Seconds)
	printTable(w, r.contestantRows())
	fmt.Fprintln(w, "\nin the stream after: from the last answer until the stream had every accepted event;",
		"with it/s counts that time too.\nCPU µs: of one processor per accepted event, start and housekeeping included;",
		"load CPU: how many processors the load took.")
	fmt.Fprintln(w)
	printTable(w, r.figureRows())
}

func (r *report) contestantRows() [][]string {
	rows := [][]string{{
		"contestant", "accepted/s", "p50 ms", "p99 ms", "p99.9 ms", "failed", "in the stream after", "with it/s", "CPU µs", "load CPU",
	}}
	for _, c := range r.Results {
		failed := uint64(0)
		for _, one := range c.Rounds {
			failed += one.Load.failed()
		}
		rows = append(rows, []string{
			c.Title, fixed(medianOf(c, accepted), 0), ms(medianOf(c, p50)), ms(medianOf(c, p99)), ms(medianOf(c, p999)),
			strconv.FormatUint(failed, 10), fixed(medianOf(c, lag), 3) + " s", fixed(medianOf(c, throughput), 0),
			fixed(c.CPU.Seconds()*1e6, 0), fixed(medianOf(c, loadShare), 2),
		})
	}
	return rows
}

func (r *report) figureRows() [][]string {
	rows := [][]string{{"figure", "goal", "seen"}}
	for _, f := range figures {
		if seen, ok := f.seen(r); ok {
			rows = append(rows, []string{f.what, f.goal, seen})
		}
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
			fmt.Fprintf(w, "| %s ", strings.Repeat("-", n))
		}
		fmt.Fprintln(w, "|")
	}
}

// printJSON writes all that was measured, and the figures as they are printed. Durations are nanoseconds.
func (r *report) printJSON(w io.Writer) error {
	type row struct {
		Figure string `json:"figure"`
		Goal   string `json:"goal"`
		Seen   string `json:"seen"`
	}
	out := struct {
		*report
		Connections int   `json:"connections"`
		Size        int   `json:"size"`
		Figures     []row `json:"figures"`
	}{report: r, Connections: r.settings.Connections, Size: r.settings.Size}
	for _, f := range figures {
		if seen, ok := f.seen(r); ok {
			out.Figures = append(out.Figures, row{f.what, f.goal, seen})
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(out)
}
