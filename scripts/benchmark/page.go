package main

import (
	"bytes"
	_ "embed" // of the page's template
	"os"
	"path/filepath"
	"text/template"
)

//go:embed page.md
var pageText string

// A picture is a plot and the file that it goes to.
type picture struct {
	File, Says string
	plot       plot
}

// writePage writes the page and its pictures into a folder.
func (r records) writePage(docs string) error {
	parsed, err := template.New("page").Parse(pageText)
	if err != nil {
		return err
	}
	var drawn []picture
	for _, one := range r.pictures() {
		svg := one.plot.svg()
		if svg == nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(docs, one.File), svg, 0o644); err != nil {
			return err
		}
		drawn = append(drawn, one)
	}
	var page bytes.Buffer
	err = parsed.Execute(&page, struct {
		Circumstances []string
		Figures       string
		Tables        []pageTable
		Pictures      []picture
	}{r.circumstances(), tableText(r.figureRows()), r.pageTables(), drawn})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(docs, "performance.md"), page.Bytes(), 0o644)
}

type pageTable struct{ Title, Text string }

func (r records) pageTables() (all []pageTable) {
	for _, t := range r.tables() {
		all = append(all, pageTable{t.title, tableText(t.rows)})
	}
	return all
}

func tableText(rows [][]string) string {
	var text bytes.Buffer
	printTable(&text, rows)
	return text.String()
}

func (r records) pictures() []picture {
	return []picture{
		{"performance-rate.svg", "Accepted deliveries a second against connections", plot{
			title: "Accepted a second", x: "connections", logarithmic: true, series: r.contestantSeries("rate", 1),
		}},
		{"performance-latency.svg", "p99 of the answer against connections", plot{
			title: "p99 of the answer, ms (closed loop)", x: "connections", logarithmic: true, series: r.contestantSeries("p99", 1e-3),
		}},
		{"performance-memory.svg", "Resident memory against the backlog", plot{
			title: "Resident memory, MB", x: "events that wait", series: []series{r.curveSeries("journal", ours, "resident", 1e6)},
		}},
		{"performance-length.svg", "Processor time of an event against what is stored", plot{
			title: "Processor time of an event, µs", x: "events stored", series: []series{
				r.curveSeries("journal", "in the journal, NATS down", "cpu", 1e-6), r.curveSeries("stream", "in the stream", "cpu", 1e-6),
			},
		}},
		{"performance-many.svg", "Processor time of an event against the number of sources and of consumers", plot{
			title: "Processor time of an event, µs", x: "how many", logarithmic: true, series: []series{
				r.curveSeries("sources", "sources", "cpu", 1e-6), r.curveSeries("consumers", "consumers", "cpu", 1e-6),
			},
		}},
	}
}

// contestantSeries is a line for each contestant: something of it against the connections, all else as in the goals.
func (r records) contestantSeries(what string, unit float64) (all []series) {
	base, _ := r.base("accept")
	for _, c := range contestants {
		s := series{name: c.title}
		for _, one := range r.of("accept") {
			v, ok := one.Values.median(c.name, what)
			if ok && one.Size == base.Size && one.Sources == base.Sources {
				s.points = append(s.points, point{float64(one.Connections), v / unit})
			}
		}
		if len(s.points) > 0 {
			all = append(all, s)
		}
	}
	return all
}

// curveSeries is a line of a row's points. A point at 0 is left out: no logarithm has it.
func (r records) curveSeries(row, name, what string, unit float64) series {
	s := series{name: name}
	for _, one := range r.of(row) {
		if v, ok := one.Values.median(ours, what); ok && one.At > 0 {
			s.points = append(s.points, point{float64(one.At), v / unit})
		}
	}
	return s
}
