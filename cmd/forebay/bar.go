package main

import (
	"fmt"
	"strings"
	"time"
)

// A bar shows on a terminal how far something is, ten times a second at the most. Elsewhere it shows nothing.
type bar struct {
	out   screen
	shown time.Time
}

const barWidth = 30

// show draws the bar: done of total, 0 being unknown, and a word about it.
func (b *bar) show(done, total uint64, text string) {
	if !b.out.terminal || time.Since(b.shown) < 100*time.Millisecond {
		return
	}
	b.shown = time.Now()
	fmt.Fprintf(b.out, "\r\x1b[K%s%s", drawn(done, total), text)
}

func drawn(done, total uint64) string {
	if total == 0 {
		return ""
	}
	share := min(1, float64(done)/float64(total))
	full := int(share * barWidth)
	return fmt.Sprintf("[%s%s] %3.0f%%  ", strings.Repeat("#", full), strings.Repeat(".", barWidth-full), 100*share)
}

// clear takes it away.
func (b *bar) clear() {
	if b.out.terminal && !b.shown.IsZero() {
		fmt.Fprint(b.out, "\r\x1b[K")
		b.shown = time.Time{}
	}
}
