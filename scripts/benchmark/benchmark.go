package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// A benchmark is one run: its settings, where it says what it is doing, and what it has seen.
type benchmark struct {
	runCommand
	say     io.Writer
	machine machine
	seen    records

	// Of the row that is being measured.
	dir      string         // for all that it writes; removed behind it
	warnings *lastLines     // of the programs that it started
	closers  []func() error // what it started; the last is ended first
	problems []error        // what makes its figures worthless
}

// run measures row after row. What it has seen is complete even where it comes with an error: then something failed
// that the figures cannot show.
func (b *benchmark) run(ctx context.Context) (records, error) {
	chosen, err := chooseRows(b.Rows, b.Long)
	if err != nil {
		return nil, err
	}
	if b.machine, err = lookAround(b.Dir, b.Forebay); err != nil {
		return nil, err
	}
	for _, r := range chosen {
		if err = errors.Join(err, b.measure(ctx, r)); ctx.Err() != nil {
			break
		}
	}
	return b.seen, err
}

// measure measures one row, in a folder of its own, and takes down what it started.
func (b *benchmark) measure(ctx context.Context, r row) (err error) {
	fmt.Fprintf(b.say, "%s: %s\n", r.name, r.what)
	if b.dir, err = os.MkdirTemp(b.Dir, r.name+"-"); err != nil {
		return err
	}
	begun := time.Now()
	b.problems, b.warnings = nil, &lastLines{}
	err = r.run(b, ctx)
	err = errors.Join(err, errors.Join(b.problems...), b.close(), os.RemoveAll(b.dir))
	flushAll() // what one row left unwritten is not for the next one to write
	if err != nil {
		fmt.Fprintf(b.say, "%s", b.warnings.text())
		return fmt.Errorf("%s: %w", r.name, err)
	}
	fmt.Fprintf(b.say, "%s: took %s\n", r.name, time.Since(begun).Round(time.Second))
	return nil
}

// atEnd registers what ends something that a row started.
func (b *benchmark) atEnd(end func() error) { b.closers = append(b.closers, end) }

func (b *benchmark) close() (err error) {
	for i := len(b.closers) - 1; i >= 0; i-- {
		err = errors.Join(err, b.closers[i]())
	}
	b.closers = nil
	return err
}

// note records what was seen.
func (b *benchmark) note(row string, at int, l load, v values) {
	b.seen = append(b.seen, record{
		Row: row, At: at, load: l, Rounds: b.Rounds, When: time.Now().UTC().Truncate(time.Second), Machine: b.machine, Values: v,
	})
}

// base is the load that rows have which do not vary it: the first of each.
func (b *benchmark) base() load { return load{b.Connections[0], b.Sizes[0], b.Sources[0]} }

// loads are the base, and what differs from it in one thing.
func (b *benchmark) loads() []load {
	all := []load{b.base()}
	for _, n := range b.Connections[1:] {
		all = append(all, load{n, b.Sizes[0], b.Sources[0]})
	}
	for _, n := range b.Sizes[1:] {
		all = append(all, load{b.Connections[0], n, b.Sources[0]})
	}
	for _, n := range b.Sources[1:] {
		all = append(all, load{b.Connections[0], b.Sizes[0], n})
	}
	return all
}
