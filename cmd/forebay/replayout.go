package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/webhook"
	"github.com/forebayhq/forebay/schema"
)

// A sink takes replayed events, one after another.
type sink func(context.Context, consumer.Stored) error

// send replays to a URL or to standard output.
func (r *replayCommand) send(ctx context.Context, e *environment, w *outside) error {
	take, err := r.sink(e)
	if err != nil {
		return err
	}
	pace := rate.NewLimiter(rate.Inf, 1)
	if r.Rate > 0 {
		pace.SetLimit(rate.Limit(r.Rate))
	}
	n, bar := 0, bar{out: e.screenOn(e.stderr)}
	err = consumer.Select(ctx, w.js, w.events, r.selector(), func(event consumer.Stored) error {
		if r.DryRun {
			n++
			return nil
		}
		if err := pace.Wait(ctx); err != nil {
			return fmt.Errorf("%w; go on with --from-seq %d", err, event.Seq)
		}
		if err := take(ctx, event); err != nil {
			return fmt.Errorf("#%d: %w; go on with --from-seq %d", event.Seq, err, event.Seq)
		}
		n++
		if r.To != "" {
			bar.show(0, 0, fmt.Sprintf("%d events sent", n))
		}
		return nil
	})
	bar.clear()
	if err != nil {
		return fmt.Errorf("replay: after %d events: %w", n, err)
	}
	return r.sum(e, n)
}

func (r *replayCommand) sum(e *environment, n int) (err error) {
	switch out := e.screen(); {
	case r.DryRun && r.JSON, r.To != "" && r.JSON:
		return out.json(map[string]int{"given": n})
	case r.DryRun:
		_, err = fmt.Fprintf(out, "%d events would be replayed\n", n)
	case r.To != "":
		_, err = fmt.Fprintf(out, "%d events sent\n", n)
	}
	return err
}

func (r *replayCommand) sink(e *environment) (sink, error) {
	if r.To != "" {
		return r.webhook(e)
	}
	out := e.screen()
	return func(_ context.Context, s consumer.Stored) error {
		m := storedOf(s.Seq, s.Subject, s.Time, nats.Header(s.Header), s.Body)
		if out.terminal && !r.JSON {
			_, err := fmt.Fprintln(out, line(out, m, time.Now()))
			return err
		}
		return out.json(m)
	}, nil
}

// webhook makes the job of that name for one URL.
func (r *replayCommand) webhook(e *environment) (sink, error) {
	job, err := webhook.New(consumer.JobConfig{
		Consumer: "replay", Log: e.log, Now: time.Now,
		Options: func(into any) error {
			o, ok := into.(*webhook.Options)
			if !ok {
				return fmt.Errorf("decode options into %T", into)
			}
			o.URL, o.Secret, o.Unsigned = r.To, r.Secret, r.Secret == ""
			return nil
		},
	})
	if err != nil {
		return nil, usageError{fmt.Errorf("replay: --to: %w", err)}
	}
	return func(ctx context.Context, s consumer.Stored) error {
		m, ok := message(s)
		if !ok {
			return fmt.Errorf("%s is no event of ours", printable(s.Subject))
		}
		return r.hint(job.Handle(ctx, m))
	}, nil
}

// hint says what to look at where the receiver refuses the signature.
func (r *replayCommand) hint(err error) error {
	var answered webhook.StatusError
	switch {
	case !errors.As(err, &answered) || answered.Status != http.StatusUnauthorized:
		return err
	case r.Secret == "":
		return fmt.Errorf("%w: it was not signed: give the secret of the receiver, --secret", err)
	}
	return fmt.Errorf("%w: is the secret of --secret that of the receiver?", err)
}

// message is a stored event as a job gets it. False: it is none of ours.
func message(e consumer.Stored) (*consumer.Message, bool) {
	event, err := schema.Parse(e.Subject, e.Header, e.Body)
	return &consumer.Message{
		Event: event, Subject: e.Subject, Header: e.Header, Body: e.Body, Seq: e.Seq, Stored: e.Time, Attempt: 1, MaxAttempts: 1,
		ReplayOf: e.Seq, Traceparent: nats.Header(e.Header).Get(schema.HeaderTraceparent),
	}, err == nil
}
