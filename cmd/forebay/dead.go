package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

type deadCommand struct {
	List    deadListCommand    `cmd:"" help:"List dead letters."`
	Show    deadShowCommand    `cmd:"" help:"Print a dead letter whole."`
	Redrive deadRedriveCommand `cmd:"" help:"Give dead letters back to their consumers."`
	Drop    deadDropCommand    `cmd:"" help:"Delete dead letters for good."`
}

// A deadFilter chooses dead letters. All that is said must hold.
type deadFilter struct {
	IDs      []uint64 `arg:"" optional:"" name:"id" help:"Numbers of dead letters, as list prints them."`
	Consumer string   `help:"Only of this consumer." placeholder:"NAME"`
	Action   []string `help:"Only these actions: otp.requested, or user.* for a category." placeholder:"ACTION"`
	Source   string   `help:"Only of this source." placeholder:"NAME"`
	User     string   `help:"Only of the user of this ID." placeholder:"ID"`
	Event    string   `name:"id" help:"Only the event of this ID." placeholder:"ID"`
	Reason   string   `help:"Only where the reason has this text in it." placeholder:"TEXT"`
	Since    instant  `help:"Only what died since then: 2h ago, or a time such as 2026-03-01T12:00:00Z." placeholder:"TIME"`
	Until    instant  `help:"Only what died before then." placeholder:"TIME"`
}

func (f deadFilter) filter() consumer.DeadFilter {
	return consumer.DeadFilter{
		Consumer: f.Consumer, IDs: f.IDs, Actions: f.Action, Source: f.Source, UserID: f.User, EventID: f.Event,
		Reason: f.Reason, Since: f.Since.Time, Until: f.Until.Time,
	}
}

// everything reports whether nothing was said.
func (f deadFilter) everything() bool {
	return len(f.IDs) == 0 && f.Consumer == "" && len(f.Action) == 0 && f.Source == "" && f.User == "" && f.Event == "" &&
		f.Reason == "" && f.Since.IsZero() && f.Until.IsZero()
}

// checkAll makes a command that changes dead letters say what it means.
func (f deadFilter) checkAll(command string, all bool) error {
	switch {
	case f.everything() && !all:
		return usageError{fmt.Errorf("dead %s: say which: numbers, --consumer NAME, another filter, or --all", command)}
	case len(f.IDs) > 0 && all:
		return usageError{fmt.Errorf("dead %s: numbers or --all, not both", command)}
	}
	return checkChoice(f.Action, f.Source)
}

type deadListCommand struct {
	deadFilter
	Count int  `short:"n" help:"Stop after so many." placeholder:"COUNT"`
	JSON  bool `help:"Print JSON, one dead letter a line."`
}

// Help is shown by "forebay dead list --help".
func (*deadListCommand) Help() string {
	return "Oldest first: number, when its attempts ended, consumer, action, user, attempts, event ID, and the reason.\n" +
		"A dead letter leaves by redrive, by drop, or with stream.max_age."
}

// Run prints dead letters.
func (l *deadListCommand) Run(ctx context.Context, e *environment) error {
	if l.Count < 0 {
		return usageError{errors.New("dead list: -n counts forward from 0")}
	}
	if err := checkChoice(l.Action, l.Source); err != nil {
		return err
	}
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	if err := l.known(ctx, w); err != nil {
		return err
	}
	filter, out, n := l.filter(), e.screen(), 0
	filter.Limit = l.Count
	err = consumer.List(ctx, w.js, w.events, filter, func(d consumer.Dead) error {
		n++
		if l.JSON {
			return out.json(deadRowOf(d))
		}
		return printDead(out, d)
	})
	if err == nil && n == 0 && !l.JSON {
		fmt.Fprintln(e.stderr, l.none())
	}
	return err
}

// none is what list says of nothing.
func (f deadFilter) none() string {
	if f.everything() {
		return "no dead letters"
	}
	return "no dead letters of that choice"
}

// known is an error where a consumer was named that there is not, and of which no dead letter is left either.
func (f deadFilter) known(ctx context.Context, w *outside) error {
	if f.Consumer == "" {
		return nil
	}
	_, unknown := w.events.Find(ctx, w.js, f.Consumer)
	if !errors.Is(unknown, consumer.ErrNoConsumer) {
		return unknown
	}
	n, err := countDead(ctx, w, consumer.DeadFilter{Consumer: f.Consumer, Limit: 1})
	if err != nil || n > 0 {
		return err
	}
	return unknown
}

func printDead(out screen, d consumer.Dead) error {
	user := d.UserID
	if user == "" {
		user = "-"
	}
	_, err := fmt.Fprintf(out, "%s  %s  %s  %s  %s  %s  %s  %s\n",
		out.paint(bold, column(strconv.FormatUint(d.ID, 10), 4)), out.paint(dim, column(moment(d.Time), 12)), column(d.Consumer, 8),
		out.paint(cyan, column(string(d.Action), 16)), column(user, 10), column(strconv.Itoa(d.Attempts), 2),
		out.paint(dim, printable(d.EventID)), out.paint(red, printable(d.Reason)))
	return err
}

// A deadRow is what dead prints for programs.
type deadRow struct {
	ID       uint64    `json:"id"` // what show, redrive and drop call it by
	Consumer string    `json:"consumer"`
	Reason   string    `json:"reason"`
	Attempts int       `json:"attempts"`
	Seq      uint64    `json:"seq"` // in the stream of events
	Time     time.Time `json:"time"`
	Source   string    `json:"source,omitempty"`
	Action   string    `json:"action,omitempty"`
	EventID  string    `json:"event_id,omitempty"`
	UserID   string    `json:"user_id,omitempty"`

	// Of show alone.
	Headers map[string]string `json:"headers,omitempty"`
	Event   json.RawMessage   `json:"event,omitempty"`
	Data    []byte            `json:"data,omitempty"` // base64: what is no JSON and so none of ours
}

func deadRowOf(d consumer.Dead) deadRow {
	return deadRow{
		ID: d.ID, Consumer: d.Consumer, Reason: d.Reason, Attempts: d.Attempts, Seq: d.Seq, Time: d.Time.UTC(),
		Source: d.Source, Action: string(d.Action), EventID: d.EventID, UserID: d.UserID,
	}
}

type deadShowCommand struct {
	ID   uint64 `arg:"" help:"The number of a dead letter, as list prints it."`
	JSON bool   `help:"Print JSON on one line."`
}

// Help is shown by "forebay dead show --help".
func (*deadShowCommand) Help() string {
	return "Sealed members stay sealed: forebay dead show --json ID | forebay seal open"
}

// Run prints one dead letter.
func (s *deadShowCommand) Run(ctx context.Context, e *environment) error {
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	d, err := consumer.Show(ctx, w.js, w.events, s.ID)
	if err != nil {
		return err
	}
	out, m := e.screen(), storedOf(d.ID, d.Subject, d.Time, d.Header, d.Body)
	if s.JSON {
		row := deadRowOf(d)
		row.Headers, row.Event, row.Data = m.Headers, m.Event, m.Data
		return out.json(row)
	}
	for _, field := range [][2]string{
		{"consumer", d.Consumer}, {"reason", d.Reason}, {"attempts", strconv.Itoa(d.Attempts)},
		{"event", "#" + strconv.FormatUint(d.Seq, 10)},
	} {
		fmt.Fprintf(out, "%s %s\n", out.paint(bold, fmt.Sprintf("%-9s", field[0])), printable(field[1]))
	}
	return (&showCommand{}).print(out, m) //nolint:forbidigo // a method of that name
}

type deadDropCommand struct {
	deadFilter
	confirmation
	All    bool `help:"Every dead letter."`
	DryRun bool `help:"Change nothing: only count."`
	JSON   bool `help:"Print JSON."`
}

// A dropRow is what drop prints for programs.
type dropRow struct {
	Dropped int  `json:"dropped"` // of a dry run: would be
	DryRun  bool `json:"dry_run,omitempty"`
}

// Run deletes dead letters.
func (d *deadDropCommand) Run(ctx context.Context, e *environment) error {
	if err := d.checkAll("drop", d.All); err != nil {
		return err
	}
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	if err := d.known(ctx, w); err != nil {
		return err
	}
	n, err := countDead(ctx, w, d.filter())
	if err != nil {
		return err
	}
	if !d.DryRun && n > 1 {
		if err := d.confirm(ctx, e, fmt.Sprintf("Delete %d dead letters for good?", n)); err != nil {
			return err
		}
	}
	if !d.DryRun && n > 0 {
		if n, err = consumer.Drop(ctx, w.js, w.events, d.filter()); err != nil {
			return fmt.Errorf("after %d: %w", n, err)
		}
	}
	if err := d.print(e.screen(), n); err != nil {
		return err
	}
	return d.missing("drop", n)
}

func (d *deadDropCommand) print(out screen, n int) (err error) {
	switch {
	case d.JSON:
		return out.json(dropRow{n, d.DryRun})
	case d.DryRun:
		_, err = fmt.Fprintf(out, "%d dead letters would be dropped\n", n)
	default:
		_, err = fmt.Fprintf(out, "%d dead letters dropped\n", n)
	}
	return err
}

func countDead(ctx context.Context, w *outside, f consumer.DeadFilter) (n int, err error) {
	err = consumer.List(ctx, w.js, w.events, f, func(consumer.Dead) error { n++; return nil })
	return n, err
}

// missing is an error where numbers were named and some are not there, or not what the filters say.
func (f deadFilter) missing(command string, found int) error {
	if found < len(f.IDs) {
		return fmt.Errorf("dead %s: %d of %d dead letters are not there", command, len(f.IDs)-found, len(f.IDs))
	}
	return nil
}
