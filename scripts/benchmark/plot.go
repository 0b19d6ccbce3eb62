package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"slices"
)

// A plot is lines over an axis. It is written as SVG by hand: a library for a few lines and labels would be the largest
// dependency of this program.
type plot struct {
	title, x    string
	logarithmic bool // the axis of x, all of which are above 0
	series      []series
}

// A series is one line.
type series struct {
	name   string
	points []point
}

type point struct{ x, y float64 }

// The picture, in pixels: a frame for the lines, with room around it for labels, and on its right for names.
const (
	plotWidth, plotHeight = 760, 340
	left, right           = 76, 220
	top, bottom           = 40, 52
)

// colours are told apart by people who do not see all of them, too.
var colours = []string{"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"}

// svg draws the plot. Nil: there is nothing to draw.
func (p plot) svg() []byte {
	var all []point
	for _, s := range p.series {
		all = append(all, s.points...)
	}
	if len(all) < 2 {
		return nil
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">`+"\n", plotWidth, plotHeight)
	fmt.Fprintf(&out, `<rect width="%d" height="%d" fill="#fff"/>`+"\n", plotWidth, plotHeight)
	text(&out, left, 22, "start", p.title)
	text(&out, (left+plotWidth-right)/2, plotHeight-12, "middle", p.x)
	f := p.frame(all)
	f.drawAxes(&out)
	for i, s := range p.series {
		f.draw(&out, s, colours[i%len(colours)], top+10+20*i)
	}
	fmt.Fprintln(&out, "</svg>")
	return out.Bytes()
}

// A frame maps values to pixels.
type frame struct {
	logarithmic bool
	low, high   float64 // of x, as it is scaled
	step, most  float64 // of y
	marks       []float64
}

func (p plot) frame(all []point) frame {
	f := frame{logarithmic: p.logarithmic}
	for _, one := range all {
		f.marks = append(f.marks, one.x)
		f.most = max(f.most, one.y)
	}
	slices.Sort(f.marks)
	f.marks = slices.Compact(f.marks)
	if !f.logarithmic {
		f.marks = multiples(f.marks[len(f.marks)-1])
	}
	f.low, f.high = f.scale(f.marks[0]), f.scale(f.marks[len(f.marks)-1])
	if f.high == f.low {
		f.high++
	}
	f.step = niceStep(f.most / 5)
	f.most = f.step * math.Ceil(f.most/f.step)
	return f
}

// multiples are those of a round number, from 0 to the first that is not below most.
func multiples(most float64) (all []float64) {
	step := niceStep(most / 5)
	for n := 0.0; ; n++ {
		all = append(all, n*step)
		if n*step >= most {
			return all
		}
	}
}

// niceStep is 1, 2 or 5 times a power of ten, and not below least.
func niceStep(least float64) float64 {
	if least <= 0 {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(least)))
	for _, n := range []float64{1, 2, 5} {
		if n*power >= least {
			return n * power
		}
	}
	return 10 * power
}

func (f frame) scale(x float64) float64 {
	if f.logarithmic {
		return math.Log(x)
	}
	return x
}

func (f frame) at(p point) (x, y float64) {
	x = left + (f.scale(p.x)-f.low)/(f.high-f.low)*(plotWidth-left-right)
	y = plotHeight - bottom - p.y/f.most*(plotHeight-top-bottom)
	return x, y
}

func (f frame) drawAxes(out *bytes.Buffer) {
	for n := 0; float64(n)*f.step <= f.most*1.0001; n++ {
		value := float64(n) * f.step
		_, y := f.at(point{f.marks[0], value})
		fmt.Fprintf(out, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" stroke="#ddd"/>`+"\n", left, y, plotWidth-right, y)
		text(out, left-8, y+4, "end", grouped(value))
	}
	for _, mark := range f.marks {
		x, y := f.at(point{mark, 0})
		fmt.Fprintf(out, `<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="#555"/>`+"\n", x, y, x, y+5)
		text(out, x, y+18, "middle", grouped(mark))
	}
}

// draw draws a line, and its name at a height.
func (f frame) draw(out *bytes.Buffer, s series, colour string, height int) {
	var line bytes.Buffer
	for _, p := range s.points {
		x, y := f.at(p)
		fmt.Fprintf(&line, "%.1f,%.1f ", x, y)
		fmt.Fprintf(out, `<circle cx="%.1f" cy="%.1f" r="3" fill="%s"/>`+"\n", x, y, colour)
	}
	fmt.Fprintf(out, `<polyline points="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", bytes.TrimSpace(line.Bytes()), colour)
	fmt.Fprintf(out, `<rect x="%d" y="%d" width="14" height="4" fill="%s"/>`+"\n", plotWidth-right+14, height-4, colour)
	text(out, plotWidth-right+34, float64(height), "start", s.name)
}

func text[N int | float64](out *bytes.Buffer, x N, y float64, anchor, s string) {
	fmt.Fprintf(out, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="#222">%s</text>`+"\n", float64(x), y, anchor, html.EscapeString(s))
}

// grouped writes large numbers as people do: 10k, 1M.
func grouped(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%gM", math.Round(v/1e4)/100)
	case v >= 1e4:
		return fmt.Sprintf("%gk", math.Round(v/10)/100)
	default:
		return fmt.Sprintf("%g", math.Round(v*100)/100)
	}
}
