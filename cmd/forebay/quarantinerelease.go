package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

type quarantineReleaseCommand struct {
	IDs    []string `arg:"" optional:"" name:"id" help:"IDs of deliveries, or SOURCE/ID, as list prints them."`
	All    bool     `help:"Every delivery in quarantine."`
	Source string   `help:"Only of this source; without IDs, all of it." placeholder:"NAME"`
	Key    string   `help:"The private key's file. Default: seal.jwk in the data folder." placeholder:"FILE"`
	DryRun bool     `help:"Change nothing: print what would come out. With --json the events too, as they would be published."`
	JSON   bool     `help:"Print JSON, one delivery a line."`
}

// Help is shown by "forebay quarantine release --help".
func (*quarantineReleaseCommand) Help() string {
	return `For after an upgrade of forebay or of its configuration. Each request is read again, by what the provider of its
source is today, and its events go to the stream as if it had just come in. They keep the time at which it was received,
so a consumer's max_age applies. Signatures are not looked at again: they were right when the request came, and are stale.

What is guaranteed:

- Nothing is lost. A delivery leaves the quarantine only after the stream has acknowledged all of its events. What still
cannot be read stays, the reason is printed, and the exit code is 1. Interrupted anywhere, the rest is where it was:
call it again.

- Nothing doubles. The stream is looked through for the IDs of the events first, as far back as repeated deliveries are
known (dedupe of the source) before the delivery came, and what came since is left to the stream's duplicate window. So
an event is published once also where this was interrupted, is called twice at once, or where the provider has repeated
the delivery meanwhile.

What is not: a delivery that the provider repeats after its release, later than stream.duplicate_window, counts as new,
and so does a repetition that has waited in the journal for so long: the journal does not know what was released. And a
NATS server that loses power within its sync interval may forget what it has just acknowledged.`
}

// check refuses a call that does not say what to release, or says it twice.
func (r *quarantineReleaseCommand) check() error {
	switch {
	case len(r.IDs) == 0 && !r.All && r.Source == "":
		return usageError{errors.New("quarantine release: say what: IDs, --source NAME or --all")}
	case len(r.IDs) > 0 && r.All:
		return usageError{errors.New("quarantine release: IDs or --all, not both")}
	}
	return checkSource(r.Source)
}

// Run releases what can be read.
func (r *quarantineReleaseCommand) Run(ctx context.Context, e *environment) error {
	if err := r.check(); err != nil {
		return err
	}
	q, err := openQuarantine(ctx, e)
	if err != nil {
		return err
	}
	defer q.close()
	key, err := loadSealKey(q.config, r.Key)
	if err != nil {
		return err
	}
	reader, err := newRereader(q, key)
	if err != nil {
		return err
	}
	sequences, missing := r.pick(ctx, q, e.screenOn(e.stderr))
	if missing != nil && (len(sequences) == 0 || len(r.IDs) == 0) {
		return missing
	}
	report := &releaseReport{
		out: e.screen(), progress: e.screenOn(e.stderr), json: r.JSON, dry: r.DryRun, count: len(sequences),
	}
	release := release{quarantine: q, reader: reader, report: report, dry: r.DryRun}
	return errors.Join(release.run(ctx, sequences), missing)
}

// pick gives the deliveries that are meant, by their sequences, oldest first. An ID that is not there keeps no other back.
func (r *quarantineReleaseCommand) pick(ctx context.Context, q *quarantine, progress screen) (sequences []uint64, err error) {
	if len(r.IDs) == 0 {
		err = q.all(ctx, r.Source, true, func(seq uint64, _ []byte) error {
			sequences = append(sequences, seq)
			return nil
		})
		return sequences, err
	}
	var errs []error
	for _, id := range r.IDs {
		found, err := q.find(ctx, id, r.Source, progress)
		errs = append(errs, err)
		for _, d := range found {
			sequences = append(sequences, d.seq)
		}
	}
	slices.Sort(sequences)
	return slices.Compact(sequences), errors.Join(errs...)
}

// A release reads deliveries again, publishes their events and takes them out.
type release struct {
	*quarantine
	reader *rereader
	held   *held // what the stream has of their events
	report *releaseReport
	dry    bool
}

// run takes two rounds: which events are there to look for, then one delivery after the other.
func (r *release) run(ctx context.Context, sequences []uint64) error {
	if err := r.look(ctx, sequences); err != nil {
		return err
	}
	for _, seq := range sequences {
		outcome, err := r.one(ctx, seq)
		if err != nil {
			r.report.clear()
			return fmt.Errorf("stopped after %d of %d deliveries, the rest is still in quarantine: %w",
				r.report.done, len(sequences), err)
		}
		if err := r.report.add(outcome); err != nil {
			return err
		}
	}
	return r.report.finish()
}

// look finds out which events of the deliveries the stream has.
func (r *release) look(ctx context.Context, sequences []uint64) (err error) {
	if r.held, err = newHeld(ctx, r.quarantine, r.report.working); err != nil {
		return err
	}
	defer r.report.clear()
	for i, seq := range sequences {
		r.report.working("read %d of %d deliveries", i, len(sequences))
		d, there, err := r.get(ctx, seq)
		if err != nil {
			return err
		}
		if !there {
			continue
		}
		messages, err := r.reader.read(d)
		if err != nil {
			continue // the second round says so
		}
		source, _ := r.config.Sources.Find(d.Source)
		r.held.want(d.Source, d.Received.Add(-source.Dedupe), messages)
	}
	return r.held.look(ctx)
}

// one releases a delivery, or says why it stays. An error means that none can be released now.
func (r *release) one(ctx context.Context, seq uint64) (o released, err error) {
	d, there, err := r.get(ctx, seq)
	if err != nil {
		return o, err
	}
	if !there { // released by somebody else, meanwhile
		return released{listed: listed{Seq: seq}, Released: true}, nil
	}
	o.listed = d.listed()
	messages, err := r.reader.read(d)
	if err != nil {
		o.Reason = err.Error()
		return o, nil
	}
	for _, m := range messages {
		event, err := r.event(ctx, m)
		if refused := new(jetstream.APIError); errors.As(err, &refused) {
			o.Reason = err.Error()
			return o, nil
		}
		if err != nil {
			return o, err
		}
		o.Events = append(o.Events, event)
	}
	o.Released, o.Reason = true, ""
	if r.dry {
		return o, nil
	}
	return o, r.remove(ctx, seq)
}

// publishTime is how long an acknowledgement may take.
const publishTime = 5 * time.Second

// event publishes one event, unless the stream has it.
func (r *release) event(ctx context.Context, m schema.Message) (releasedEvent, error) {
	e := releasedEvent{ID: m.ID, Action: string(m.Action), Subject: m.Subject}
	has, err := r.held.has(ctx, m.ID)
	switch {
	case err != nil:
		return e, err
	case has:
		e.State = present
		return e, nil
	case r.dry:
		e.State, e.Event = ready, m.Body
		r.held.add(m.ID)
		return e, nil
	}
	ctx, cancel := context.WithTimeout(ctx, publishTime)
	defer cancel()
	ack, err := r.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Header: m.Header, Data: m.Body})
	if err != nil {
		return e, fmt.Errorf("publish %s: %w", m.Subject, err)
	}
	r.held.add(m.ID)
	if e.State = published; ack.Duplicate {
		e.State = present
	}
	return e, nil
}
