package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/config"
)

type showCommand struct {
	ID   string `arg:"" help:"An event ID, SOURCE/ID, or a sequence of the stream in quotes: '#123'."`
	All  bool   `help:"Search the whole stream, also after a match: IDs are unique within a source, not beyond."`
	JSON bool   `help:"Print JSON, one event a line, as tail does."`
}

// Help is shown by "forebay show --help".
func (*showCommand) Help() string {
	return "The newest events are searched first. A delivery in quarantine is found by its ID too.\n" +
		`Sealed members stay sealed: forebay show --json ID | forebay seal open`
}

// Run prints what has the ID.
func (s *showCommand) Run(ctx context.Context, e *environment) error {
	c, err := e.load(unread)
	if err != nil {
		return err
	}
	client, err := connect(ctx, c, e.log)
	if err != nil {
		return err
	}
	defer client.close()
	name := streamOf(c, s.ID)
	stream, err := client.stream(ctx, name)
	if err != nil {
		return err
	}
	found, err := s.find(ctx, e, stream)
	if errors.As(err, new(notThere)) {
		return err
	}
	if err != nil {
		return fmt.Errorf("stream %s: %w", name, err)
	}
	for _, m := range found {
		if err := s.print(e.screen(), m); err != nil {
			return err
		}
	}
	return nil
}

// streamOf is where something of this ID is kept.
func streamOf(c *config.Config, id string) string {
	_, inSource, _ := strings.Cut(id, "/")
	if strings.HasPrefix(id, "quarantine-") || strings.HasPrefix(inSource, "quarantine-") {
		return streams(c).Quarantine()
	}
	return c.Stream.Name
}

func (s *showCommand) find(ctx context.Context, e *environment, stream jetstream.Stream) ([]stored, error) {
	if number, ok := strings.CutPrefix(s.ID, "#"); ok {
		return findSequence(ctx, stream, number)
	}
	search := search{stream: stream, id: s.ID, all: s.All, progress: e.screenOn(e.stderr)}
	return search.run(ctx)
}

func findSequence(ctx context.Context, stream jetstream.Stream, number string) ([]stored, error) {
	seq, err := strconv.ParseUint(number, 10, 64)
	if err != nil || seq == 0 {
		return nil, usageError{fmt.Errorf("#%s is no sequence: want a number from 1 on", printable(number))}
	}
	m, err := get(ctx, stream, seq)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		state := stream.CachedInfo().State
		return nil, notThere(fmt.Sprintf("nothing at #%d: the stream holds #%d to #%d, and forgets what is too old",
			seq, state.FirstSeq, state.LastSeq))
	}
	if err != nil {
		return nil, err
	}
	return []stored{m}, nil
}

func get(ctx context.Context, stream jetstream.Stream, seq uint64) (stored, error) {
	m, err := stream.GetMsg(ctx, seq)
	if err != nil {
		return stored{}, fmt.Errorf("read #%d: %w", seq, err)
	}
	return storedOf(m.Sequence, m.Subject, m.Time, m.Header, m.Data), nil
}

func (s *showCommand) print(out screen, m stored) error {
	if s.JSON {
		return out.json(m)
	}
	field := func(name, value string) {
		fmt.Fprintf(out, "%s %s\n", out.paint(bold, fmt.Sprintf("%-9s", name)), printable(value))
	}
	field("subject", m.Subject)
	field("sequence", "#"+strconv.FormatUint(m.Seq, 10))
	field("stored", m.Stored.Format(time.RFC3339Nano))
	fmt.Fprintln(out, out.paint(bold, "headers"))
	for _, name := range slices.Sorted(maps.Keys(m.Headers)) {
		fmt.Fprintf(out, "  %s %s\n", out.paint(cyan, printable(name)+":"), printable(m.Headers[name]))
	}
	fmt.Fprintln(out, out.paint(bold, "event"))
	if m.Event == nil {
		_, err := fmt.Fprintf(out, "no JSON: %s\n", printable(string(m.Data)))
		return err
	}
	return out.pretty(m.Event)
}
