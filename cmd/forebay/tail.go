package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

type tailCommand struct {
	Filter string        `arg:"" optional:"" help:"An action (otp.requested, user.*), source:NAME, or a subject (identity.*.otp.>)."`
	Since  time.Duration `help:"Begin with what the stream took so long ago, such as 10m." placeholder:"DURATION" xor:"start"`
	All    bool          `help:"Begin with the oldest event of the stream." aliases:"from-start" xor:"start"`
	Count  int           `short:"n" help:"Stop after so many events." placeholder:"COUNT"`
	JSON   bool          `help:"Print JSON, one event a line, also on a terminal."`
}

// Help is shown by "forebay tail --help".
func (*tailCommand) Help() string {
	return "On a terminal: time, source, action, user, outcome and ID. Elsewhere JSON:\n" +
		`{"seq","subject","stored","headers","event"}. Sealed members stay sealed: see "forebay seal open".`
}

// Run prints events until ctx ends, or until there were enough.
func (t *tailCommand) Run(ctx context.Context, e *environment) error {
	if t.Since < 0 || t.Count < 0 {
		return usageError{errors.New("tail: --since and -n count forward from 0")}
	}
	c, err := e.load(unread)
	if err != nil {
		return err
	}
	filter, err := subjectFilter(c.Stream.Prefix, t.Filter)
	if err != nil {
		return usageError{fmt.Errorf("tail: %w", err)}
	}
	client, err := connect(ctx, c, e.log)
	if err != nil {
		return err
	}
	defer client.close()
	stream, fresh, err := client.awaitStream(ctx, c.Stream.Name, e.log)
	if err != nil {
		return t.interrupted(ctx, 0, err)
	}
	start, err := t.start(ctx, stream, fresh)
	if err != nil {
		return err
	}
	start.FilterSubjects, start.InactiveThreshold = []string{filter}, time.Minute
	return t.follow(ctx, stream, start, e.screen())
}

// awaitStream waits for a stream that serve has not made yet. What comes into it is then all new: it is fresh.
func (c *client) awaitStream(
	ctx context.Context, name string, log *slog.Logger,
) (s jetstream.Stream, fresh bool, err error) {
	look := time.NewTicker(200 * time.Millisecond)
	defer look.Stop()
	for {
		s, err := c.stream(ctx, name)
		if !errors.Is(err, jetstream.ErrStreamNotFound) {
			return s, fresh, err
		}
		if !fresh {
			log.Info(`waiting for the stream: "forebay serve" makes it`, "stream", name, "nats", c.url)
		}
		fresh = true
		select {
		case <-look.C:
		case <-ctx.Done():
			return nil, fresh, ctx.Err()
		}
	}
}

// start says where to begin. Only new events is the sequence that comes next, not "new": a consumer that is made again
// after a break then misses nothing.
func (t *tailCommand) start(
	ctx context.Context, s jetstream.Stream, fresh bool,
) (jetstream.OrderedConsumerConfig, error) {
	if t.All || fresh {
		return jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}, nil
	}
	if t.Since > 0 {
		at := time.Now().Add(-t.Since)
		return jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &at}, nil
	}
	info, err := s.Info(ctx)
	if err != nil {
		return jetstream.OrderedConsumerConfig{}, fmt.Errorf("read the stream: %w", err)
	}
	return jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: info.State.LastSeq + 1,
	}, nil
}

func (t *tailCommand) follow(
	ctx context.Context, s jetstream.Stream, start jetstream.OrderedConsumerConfig, out screen,
) error {
	consumer, err := s.OrderedConsumer(ctx, start)
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	arrived, failed := receive(ctx, messages)
	for n := 0; ; {
		select {
		case m := <-arrived:
			if err := t.print(out, m); err != nil {
				return err
			}
			if n++; n == t.Count {
				return nil
			}
		case err := <-failed:
			return t.interrupted(ctx, n, err)
		case <-ctx.Done():
			return t.interrupted(ctx, n, ctx.Err())
		}
	}
}

// receive hands over messages as they come. While NATS is away the client library waits without looking at ctx, so the
// waiting has a goroutine of its own.
func receive(ctx context.Context, messages jetstream.MessagesContext) (<-chan jetstream.Msg, <-chan error) {
	arrived, failed := make(chan jetstream.Msg), make(chan error, 1)
	go func() {
		for {
			m, err := messages.Next(jetstream.NextContext(ctx))
			if err != nil {
				failed <- err
				return
			}
			select {
			case arrived <- m:
			case <-ctx.Done():
				return
			}
		}
	}()
	return arrived, failed
}

// interrupted is nil where a person has seen enough.
func (t *tailCommand) interrupted(ctx context.Context, n int, err error) error {
	if ctx.Err() == nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	if t.Count > 0 {
		return fmt.Errorf("stopped after %d of %d events", n, t.Count)
	}
	return nil
}

func (t *tailCommand) print(out screen, m jetstream.Msg) error {
	s, err := storedMsg(m)
	if err != nil {
		return fmt.Errorf("read a message: %w", err)
	}
	if t.JSON || !out.terminal {
		return out.json(s)
	}
	_, err = fmt.Fprintln(out, line(out, s, time.Now()))
	return err
}

// line is an event for people, on one line.
func line(out screen, s stored, now time.Time) string {
	e, ok := s.parse()
	if !ok {
		return out.paint(dim, fmt.Sprintf("#%d %s is no event of ours", s.Seq, printable(s.Subject)))
	}
	outcomes := map[schema.Outcome]color{schema.Success: green, schema.Failure: red, schema.Unknown: dim}
	return fmt.Sprintf("%s  %s  %s  %s  %s  %s",
		out.paint(dim, clock(e.Received, now)),
		column(e.Source, 8),
		out.paint(cyan, column(string(e.Action), 20)),
		column(who(e), 16),
		out.paint(outcomes[e.Outcome], column(string(e.Outcome), 7)),
		out.paint(dim, printable(e.ID)))
}

// clock is a time of day, with its day where that is not today's.
func clock(t, now time.Time) string {
	t, now = t.Local(), now.Local()
	if t.Year() == now.Year() && t.YearDay() == now.YearDay() {
		return t.Format("15:04:05.000")
	}
	return t.Format("2006-01-02 15:04:05.000")
}

func column(text string, width int) string { return fmt.Sprintf("%-*s", width, printable(text)) }

// who is the user of an event, by the best name that there is.
func who(e schema.Event) string {
	if e.User == nil {
		return "-"
	}
	if e.User.ID != "" {
		return e.User.ID
	}
	for _, name := range []*string{e.User.PreferredUsername, e.User.Email, e.User.PhoneNumber} {
		if name != nil && *name != "" {
			return *name
		}
	}
	return "-"
}
