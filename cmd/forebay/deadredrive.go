package main

import (
	"context"
	"fmt"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

type deadRedriveCommand struct {
	deadFilter
	All    bool        `help:"Every dead letter."`
	Rate   config.Rate `help:"How many to give back, such as 50/s. Default: as fast as the stream takes them." placeholder:"RATE"`
	DryRun bool        `help:"Change nothing: count what would be given back, and what would stay."`
	JSON   bool        `help:"Print JSON."`
}

// Help is shown by "forebay dead redrive --help".
func (*deadRedriveCommand) Help() string {
	return `Each event goes back to the consumer that it died of, and to no other, with all attempts before it. The dead letter is
deleted once the stream has the event. Interrupted, call it again: no event is given twice.

What stays a dead letter: an event whose lifetime is over, as that of a one-time code, and one that the stream no longer has.`
}

// A redriveRow is what redrive prints for programs.
type redriveRow struct {
	Total  int  `json:"total"`
	Given  int  `json:"given"`  // back to their consumers; of a dry run: would be
	Lapsed int  `json:"lapsed"` // kept: the lifetime of their action is over
	Gone   int  `json:"gone"`   // kept: the event was gone from the stream
	DryRun bool `json:"dry_run,omitempty"`
}

// Run gives dead letters back. That one stays is an error.
func (r *deadRedriveCommand) Run(ctx context.Context, e *environment) error {
	if err := r.checkAll("redrive", r.All); err != nil {
		return err
	}
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	if err := r.known(ctx, w); err != nil {
		return err
	}
	bar := bar{out: e.screenOn(e.stderr)}
	done, err := consumer.Redrive{
		JS: w.js, Stream: w.events, Filter: r.filter(), Rate: float64(r.Rate), DryRun: r.DryRun,
		Progress: func(d consumer.Redriven) {
			at := d.Given + d.Lapsed + d.Gone
			bar.show(uint64(at), uint64(d.Total), fmt.Sprintf("%d of %d dead letters", at, d.Total))
		},
	}.Run(ctx)
	bar.clear()
	printed := r.print(e.screen(), redriveRow{done.Total, done.Given, done.Lapsed, done.Gone, r.DryRun})
	switch {
	case err != nil:
		return err
	case printed != nil:
		return printed
	case done.Given < done.Total && !r.DryRun:
		return fmt.Errorf("dead redrive: %d of %d dead letters stay", done.Total-done.Given, done.Total)
	}
	return r.missing("redrive", done.Total)
}

func (r *deadRedriveCommand) print(out screen, row redriveRow) error {
	if r.JSON {
		return out.json(row)
	}
	given := "given back"
	if r.DryRun {
		given = "would be given back"
	}
	_, err := fmt.Fprintf(out, "%d dead letters: %d %s; kept: %d past their lifetime, %d whose event is gone\n",
		row.Total, row.Given, given, row.Lapsed, row.Gone)
	return err
}
