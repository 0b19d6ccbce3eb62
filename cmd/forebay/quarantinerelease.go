package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

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
source is today, and its events go the way of those that just came in: through the running forebay, which is called at its
admin address. They keep the time at which the request was received, so a consumer's max_age applies. Signatures are not
looked at again: they were right when the request came, and are stale. A sealed request is opened here and travels opened,
so call this on the machine of that forebay.

What is guaranteed:

- Nothing is lost. A delivery leaves the quarantine only after all of its events are safe: flushed to the journal, or with
ack: stream acknowledged by the stream. What still cannot be read stays, the reason is printed, and the exit code is 1.
Interrupted anywhere, the rest is where it was: call it again.

- Nothing doubles. The journal knows what was released, so a repetition of the delivery is a duplicate for as long as any
other (dedupe of the source). What the journal has forgotten, the stream is looked through for, as far back as repetitions
are known before the delivery came. So an event is published once also where this was interrupted, is called twice at once,
or where the provider has repeated the delivery meanwhile or does so later.

With ack: stream there is no journal, and a repetition after the release is known for stream.duplicate_window, as always.`
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
	q, err := openQuarantine(ctx, e, own)
	if err != nil {
		return err
	}
	defer q.close()
	key, err := loadSealKey(q.config, r.Key)
	if err != nil {
		return err
	}
	wire, err := q.rewire()
	if err != nil {
		return err
	}
	to, err := newReleaser(q.config)
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
	release := release{
		quarantine: q, key: key, reader: newRereader(q.config.Sources, wire), to: to, report: report, dry: r.DryRun,
	}
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

// A release reads deliveries again, hands them to the running forebay and takes them out.
type release struct {
	*quarantine
	key    sealKey
	reader *rereader
	held   *held // what the stream has of their events
	to     *releaser
	report *releaseReport
	dry    bool
}

// read opens a delivery and gives its request and its messages.
func (r *release) read(d quarantined) (text []byte, messages []schema.Message, err error) {
	if text, err = r.key.open(d); err != nil {
		return nil, nil, err
	}
	messages, err = r.reader.read(d, text)
	return text, messages, err
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
		_, messages, err := r.read(d)
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
	text, messages, err := r.read(d)
	if err != nil {
		o.Reason = err.Error()
		return o, nil
	}
	if o.Events, err = r.known(ctx, messages); err != nil {
		return o, err
	}
	if r.dry {
		o.Released, o.Reason = true, ""
		return o, nil
	}
	if err := r.handOver(ctx, seq, text, &o); err != nil || !o.Released {
		return o, err
	}
	return o, r.remove(ctx, seq)
}

// known says of each event whether the stream has it.
func (r *release) known(ctx context.Context, messages []schema.Message) ([]releasedEvent, error) {
	var events []releasedEvent
	for _, m := range messages {
		e := eventOf(m)
		has, err := r.held.has(ctx, m.ID)
		switch {
		case err != nil:
			return nil, err
		case has:
			e.State = present
		case r.dry:
			e.State, e.Event = ready, m.Body
			r.held.add(m.ID)
		}
		events = append(events, e)
	}
	return events, nil
}

// handOver gives a delivery to the running forebay, unless the stream has all of it.
func (r *release) handOver(ctx context.Context, seq uint64, text []byte, o *released) error {
	asked := releaseRequest{Seq: seq, Request: text}
	for _, e := range o.Events {
		if e.State == present {
			asked.Present = append(asked.Present, e.ID)
		}
	}
	o.Released, o.Reason = true, ""
	if len(asked.Present) == len(o.Events) {
		return nil
	}
	events, err := r.to.release(ctx, asked)
	if stays := new(staysError); errors.As(err, stays) {
		o.Released, o.Events, o.Reason = false, nil, err.Error()
		return nil
	}
	if err != nil {
		return err
	}
	o.Events = events
	for _, e := range events {
		r.held.add(e.ID)
	}
	return nil
}
