package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/schema"
)

// Replay gives stored events to one consumer again, and to nobody else, in their order.
//
// An interrupted run is resumed by its ID: a KV bucket keeps how far it came, and what it published since then is read
// from the stream. So each event is given once by a run, whatever ended it and however long the pause was, as long as
// the copies of that while are still in the stream. The same run must not go on in two places at once.
type Replay struct {
	JS       jetstream.JetStream
	Stream   Stream
	Consumer string
	Select   Selector
	Rate     float64        // events a second; 0: as fast as the stream takes them
	DryRun   bool           // only count
	Resume   string         // the ID of an interrupted run: Consumer and Select are then the run's own
	Progress func(Progress) // called now and then, from the goroutine of Run; nil: not called
}

// Progress is how far a replay is.
type Progress struct {
	Run      string `json:"run"` // its ID, for Replay.Resume; empty: a dry run
	Consumer string `json:"consumer"`
	Given    uint64 `json:"given"`  // published for the consumer, before interruptions too; of a dry run: would be
	Lapsed   uint64 `json:"lapsed"` // left out: the lifetime of their action is over
	Seq      uint64 `json:"seq"`    // of the last event that was looked at
	To       uint64 `json:"to"`     // the last sequence that it looks at
	Looked   uint64 `json:"looked"` // events that it looked at
	Total    uint64 `json:"total"`  // events to look at, about; Looked ÷ Total is how far it is
}

const (
	replayBatch = 500             // events between two notes of how far it is
	replayPause = time.Second     // and the longest time between them
	replayDrain = 5 * time.Second // for what is on its way when it is interrupted
)

// Run replays until all is given or ctx ends. Whatever the error, the run in the progress it returns can be resumed.
func (r Replay) Run(ctx context.Context) (Progress, error) {
	p := &replay{Replay: r, noted: time.Now(), given: map[uint64]bool{}}
	err := errors.Join(r.Stream.check(), r.Select.check())
	if err == nil {
		err = p.begin(ctx)
	}
	if err == nil {
		err = p.do(ctx)
	}
	if err != nil {
		return p.run.Progress, fmt.Errorf("replay: %w", err)
	}
	return p.run.Progress, nil
}

// A replay is one Run of a Replay.
type replay struct {
	Replay
	run    run
	runs   jetstream.KeyValue // nil: a dry run
	given  map[uint64]bool    // sequences of events that an interrupted run published and did not note
	flying []jetstream.PubAckFuture
	failed bool // an event was not published: how far the run is stays as it was noted before
	noted  time.Time
}

// begin starts a run, or finds the one to resume.
func (p *replay) begin(ctx context.Context) (err error) {
	switch {
	case p.DryRun && p.Resume != "":
		return errors.New("a dry run resumes nothing")
	case p.Resume != "":
		if p.runs, err = openRuns(ctx, p.JS, p.Stream); err == nil {
			err = p.resume(ctx)
		}
		if err != nil {
			return err
		}
		return p.Stream.listens(ctx, p.JS, p.run.Consumer)
	}
	// A run that nobody listens to could never succeed: it is not noted.
	if err := p.Stream.listens(ctx, p.JS, p.Consumer); err != nil {
		return err
	}
	if p.DryRun {
		p.run, err = newRun(ctx, p.Replay, "")
		return err
	}
	if p.run, err = newRun(ctx, p.Replay, nuid.Next()); err != nil {
		return err
	}
	if p.runs, err = openRuns(ctx, p.JS, p.Stream); err != nil {
		return err
	}
	return p.run.save(ctx, p.runs)
}

// resume reads how far the run came, and what it published after that was noted.
func (p *replay) resume(ctx context.Context) (err error) {
	if p.run, err = loadRun(ctx, p.runs, p.Resume); err != nil {
		return err
	}
	return scan(ctx, p.JS, p.Stream.Name, scanConfig{
		subjects: []string{p.Stream.redrive(p.run.Consumer, ">")}, from: p.run.Mark + 1, headersOnly: true,
	}, func(e Stored) error {
		h := nats.Header(e.Header)
		if strings.HasPrefix(h.Get(schema.HeaderMsgID), p.run.prefix()) {
			p.given[number(h.Get(HeaderReplayOf))] = true
		}
		return nil
	})
}

// do gives what is left of the run.
func (p *replay) do(ctx context.Context) error {
	pace := limiter(p.Rate)
	look := p.run.scan(p.Stream)
	look.total = func(n uint64) { p.run.Total = p.run.Looked + n }
	err := scan(ctx, p.JS, p.Stream.Name, look, func(e Stored) error {
		if err := p.look(ctx, pace, e); err != nil {
			return err
		}
		p.run.Seq, p.run.Looked = e.Seq, p.run.Looked+1
		if len(p.flying) < replayBatch && time.Since(p.noted) < replayPause {
			return nil
		}
		return p.note(ctx)
	})
	if p.failed {
		return err
	}
	// What is on its way is waited for, and noted, although ctx may have ended.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), replayDrain)
	defer cancel()
	if err := errors.Join(err, p.note(last)); err != nil || p.DryRun {
		return err
	}
	return p.run.forget(last, p.runs)
}

// look gives one event, if it is chosen.
func (p *replay) look(ctx context.Context, pace *rate.Limiter, e Stored) error {
	if !p.run.Select.matches(e) {
		return nil
	}
	msg, err := p.Stream.copyFor(p.run.Consumer, p.run.prefix()+strconv.FormatUint(e.Seq, 10), e, e.Time, time.Now())
	if errors.Is(err, errLapsed) {
		p.run.Lapsed++
		return nil
	}
	if err != nil {
		return err
	}
	if !p.DryRun && !p.given[e.Seq] {
		if err := pace.Wait(ctx); err != nil {
			return err
		}
		future, err := p.JS.PublishMsgAsync(msg, jetstream.WithExpectStream(p.Stream.Name))
		if err != nil {
			return fmt.Errorf("publish %s: %w", msg.Subject, err)
		}
		p.flying = append(p.flying, future)
	}
	p.run.Given++
	return nil
}

// note waits until the stream has what was published, and writes down how far the run is.
func (p *replay) note(ctx context.Context) error {
	for len(p.flying) > 0 {
		future := p.flying[0]
		select {
		case ack := <-future.Ok():
			p.run.Mark = max(p.run.Mark, ack.Sequence)
			p.flying = p.flying[1:] // a future tells only once
		case err := <-future.Err():
			p.failed = true
			return fmt.Errorf("publish %s: %w", future.Msg().Subject, err)
		case <-ctx.Done():
			return fmt.Errorf("publish %s: %w", future.Msg().Subject, ctx.Err())
		}
	}
	p.noted = time.Now()
	if p.Progress != nil {
		p.Progress(p.run.Progress)
	}
	if p.DryRun {
		return nil
	}
	return p.run.save(ctx, p.runs)
}
