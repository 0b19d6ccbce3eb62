package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// printTable writes the table of one program, and counts what failed.
func printTable(w io.Writer, name string, cases []*verdict, took time.Duration) (failed int) {
	fmt.Fprintf(w, "== %s\n", name)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	passed := 0
	for _, c := range cases {
		switch {
		case c.skipped:
			fmt.Fprintf(t, "-\t%s\t%s\n", c.name, c.shows)
		case c.err == nil:
			passed++
			fmt.Fprintf(t, "ok\t%s\t%s\n", c.name, c.shows)
		default:
			failed++
			fmt.Fprintf(t, "FAIL\t%s\t%s\n", c.name, strings.ReplaceAll(c.err.Error(), "\n", "; "))
		}
	}
	_ = t.Flush() // to a terminal or a pipe: nobody is left to tell
	fmt.Fprintf(w, "%s: %d of %d cases in %.0f s\n", name, passed, passed+failed, took.Seconds())
	return failed
}
