package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

type replayCommand struct {
	selection

	Consumer string      `help:"Give the events to this consumer, and to no other." placeholder:"NAME" xor:"where"`
	To       string      `help:"POST them to this URL, as the job webhook does." placeholder:"URL" xor:"where"`
	Secret   string      `help:"With --to: sign with this secret of Standard Webhooks, whsec_ and base64. Default: no signature." placeholder:"SECRET"`
	Resume   string      `name:"run" help:"Go on with the interrupted run of this ID, or with the only one there is: last." placeholder:"ID" xor:"where"`
	Rate     config.Rate `help:"How many events to give, such as 50/s. Default: as fast as they are taken." placeholder:"RATE"`
	DryRun   bool        `help:"Give nothing: only count."`
	JSON     bool        `help:"Print JSON: what was done, on one line. Standard output gets JSON in any case."`
}

// A selection chooses stored events. All that is said must hold.
type selection struct {
	Since   instant  `help:"What the stream took since then: 2h ago, or a time such as 2026-03-01T12:00:00Z." placeholder:"TIME"`
	Until   instant  `help:"What it took before then." placeholder:"TIME"`
	FromSeq uint64   `help:"From this sequence of the stream on." placeholder:"SEQ"`
	ToSeq   uint64   `help:"Up to this sequence." placeholder:"SEQ"`
	Action  []string `help:"These actions: otp.requested, or user.* for a category." placeholder:"ACTION"`
	Source  string   `help:"Of this source." placeholder:"NAME"`
	User    string   `help:"Of the user of this ID." placeholder:"ID"`
	ID      string   `name:"id" help:"The event of this ID." placeholder:"ID"`
}

func (s selection) selector() consumer.Selector {
	return consumer.Selector{
		Since: s.Since.Time, Until: s.Until.Time, FromSeq: s.FromSeq, ToSeq: s.ToSeq, Actions: s.Action, Source: s.Source,
		UserID: s.User, EventID: s.ID,
	}
}

// everything reports whether nothing was said.
func (s selection) everything() bool {
	return s.Since.IsZero() && s.Until.IsZero() && s.FromSeq == 0 && s.ToSeq == 0 && len(s.Action) == 0 && s.Source == "" &&
		s.User == "" && s.ID == ""
}

// Help is shown by "forebay replay --help".
func (*replayCommand) Help() string {
	return `Without --consumer and --to the events are printed, as tail does. Without a selector it is all that the stream holds.

With --consumer and without --action it is what the consumer asks for. An event whose lifetime is over is left out: a
one-time code of yesterday. A run that is interrupted is noted on the server: --run gives each of its events that was not
given yet, once. With --to it stops at the first event that is not taken, and says with which --from-seq to go on. Sealed
members stay sealed.`
}

// Run replays.
func (r *replayCommand) Run(ctx context.Context, e *environment) error {
	switch {
	case r.Resume != "" && (r.DryRun || !r.everything()):
		return usageError{errors.New("replay: an interrupted run knows what it replays: --run stands without selectors and --dry-run")}
	case r.Secret != "" && r.To == "":
		return usageError{errors.New("replay: --secret is for --to")}
	}
	if err := checkChoice(r.Action, r.Source); err != nil {
		return err
	}
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	if r.Consumer != "" || r.Resume != "" {
		return r.give(ctx, e, w)
	}
	return r.send(ctx, e, w)
}

// give replays to a consumer.
func (r *replayCommand) give(ctx context.Context, e *environment, w *outside) error {
	run, err := r.unfinished(ctx, w)
	if err != nil {
		return err
	}
	if len(r.Action) == 0 {
		r.Action = actionsOf(w.config.Consumers, r.Consumer)
	}
	bar := bar{out: e.screenOn(e.stderr)}
	done, err := consumer.Replay{
		JS: w.js, Stream: w.events, Consumer: r.Consumer, Select: r.selector(), Rate: float64(r.Rate), DryRun: r.DryRun,
		Resume: run, Progress: func(p consumer.Progress) {
			bar.show(p.Looked, p.Total, fmt.Sprintf("%d given, %d looked at", p.Given, p.Looked))
		},
	}.Run(ctx)
	bar.clear()
	if err != nil && done.Run != "" {
		return fmt.Errorf("%w; %d events were given; go on with: forebay replay --run %s", err, done.Given, done.Run)
	}
	if err != nil {
		return err
	}
	return r.print(e.screen(), done)
}

// actionsOf are the actions that a consumer asks for, all of them where the configuration does not know it.
func actionsOf(declared config.Consumers, name string) []string {
	for _, c := range declared {
		if c.Name == name {
			return c.Actions
		}
	}
	return nil
}

// unfinished finds the interrupted run that is meant. Empty: a new one.
func (r *replayCommand) unfinished(ctx context.Context, w *outside) (string, error) {
	if r.Resume != "last" {
		return r.Resume, nil
	}
	runs, err := consumer.Runs(ctx, w.js, w.events)
	switch {
	case err != nil:
		return "", err
	case len(runs) == 0:
		return "", errors.New("replay: no run was interrupted")
	case len(runs) == 1:
		return runs[0].Run, nil
	}
	names := make([]string, len(runs))
	for i, run := range runs {
		names[i] = fmt.Sprintf("%s (%s, %d given)", run.Run, run.Consumer, run.Given)
	}
	return "", usageError{fmt.Errorf("replay: several runs were interrupted: choose with --run: %s", strings.Join(names, ", "))}
}

func (r *replayCommand) print(out screen, p consumer.Progress) (err error) {
	switch {
	case r.JSON:
		return out.json(p)
	case r.DryRun:
		_, err = fmt.Fprintf(out, "%d events would be given to %s; left out: %d past their lifetime\n", p.Given, p.Consumer, p.Lapsed)
	default:
		_, err = fmt.Fprintf(out, "%d events given to %s; left out: %d past their lifetime\n", p.Given, p.Consumer, p.Lapsed)
	}
	return err
}

// checkChoice refuses what no event can have.
func checkChoice(actions []string, source string) error {
	for _, a := range actions {
		if !consumer.ValidPattern(a) {
			return usageError{fmt.Errorf("--action %s: want an action such as otp.requested, user.* or *", printable(a))}
		}
	}
	return checkSource(source)
}
