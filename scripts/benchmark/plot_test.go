package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
)

func TestPlot(t *testing.T) {
	p := plot{title: "a < b", x: "connections", logarithmic: true, series: []series{
		{"bare", []point{{16, 100}, {64, 470}, {256, 300}}}, {"forebay", []point{{16, 50}, {256, 290}}},
	}}
	svg := string(p.svg())
	if err := wellFormed(svg); err != nil {
		t.Errorf("%v:\n%s", err, svg)
	}
	// 16 is at the left end of the frame, 256 at the right end, and 64 between them in the middle.
	for _, want := range []string{`<circle cx="76.0"`, `<circle cx="308.0"`, `<circle cx="540.0"`, ">a &lt; b<", ">500<", ">bare<"} {
		if !strings.Contains(svg, want) {
			t.Errorf("no %s in:\n%s", want, svg)
		}
	}
	if (plot{}).svg() != nil {
		t.Error("a picture of nothing")
	}
}

func wellFormed(text string) error {
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
