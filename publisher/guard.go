package publisher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/publisher/journal"
)

// A checkpoint is what was acknowledged at a time. Once the guard window has passed since, JetStream has flushed that, and
// the journal may forget it.
type checkpoint struct {
	at    time.Time
	next  []uint64 // by line
	floor uint64
}

// guard lets the journal forget what is safe, and looks whether the stream still holds what it acknowledged: one that
// loses its leader may forget without any connection breaking.
func (s *stream) guard(ctx context.Context, js jetstream.JetStream) error {
	tick := time.NewTicker(min(time.Second, s.config.Guard/4+time.Millisecond))
	defer tick.Stop()
	look := time.NewTicker(5 * time.Second)
	defer look.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.trim(s.config.Now()); err != nil && !errors.Is(err, journal.ErrDiskFull) { // which passes
				return err
			}
		case <-look.C:
			if err := s.look(ctx, js); err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// look ends the session when the stream does not hold what it acknowledged: the next one finds out what is missing.
func (s *stream) look(ctx context.Context, js jetstream.JetStream) error {
	anchor := s.anchored() // first: what is acknowledged from now on may not be in the stream's answer
	handle, err := js.Stream(ctx, s.name)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		return errSilent
	}
	if err != nil {
		return err
	}
	intact, err := s.intact(ctx, js, handle.CachedInfo(), anchor)
	if err == nil && !intact {
		err = fmt.Errorf("stream %s: %w", s.name, errWentBack)
	}
	return err
}

// trim lets the journal forget what was acknowledged a guard window ago, or remembers how far the lines have come, for a
// start that has to tell what expired from what was forgotten.
func (s *stream) trim(now time.Time) error {
	s.checkpoints = append(s.checkpoints, s.checkpoint(now))
	passed := func(c checkpoint) bool { return now.Sub(c.at) >= s.config.Guard }
	for len(s.checkpoints) > 1 && passed(s.checkpoints[1]) {
		s.checkpoints = slices.Delete(s.checkpoints, 0, 1)
	}
	mark, safe := s.mark, s.checkpoints[0]
	mark.Next = s.checkpoints[len(s.checkpoints)-1].next
	upTo := make(map[journal.Lane]uint64)
	for i, l := range s.lines {
		if first, _ := s.config.Journal.Bounds(l.lane); passed(safe) && safe.next[i] > first {
			upTo[l.lane] = safe.next[i] - 1
			mark.Floor = max(mark.Floor, safe.floor)
		}
	}
	var err error
	switch {
	case len(upTo) > 0:
		err = s.config.Journal.Trim(upTo, s.name, mark.encode())
	case !slices.Equal(s.mark.Next, mark.Next):
		err = s.config.Journal.SetMark(s.name, mark.encode(), false)
	}
	if err == nil {
		s.mark = mark
	}
	return err
}

// checkpoint notes how far the lines have come. The floor is that of the line that is furthest behind; a line that has
// nothing to send will send at sequences that the stream has not reached yet.
func (s *stream) checkpoint(now time.Time) checkpoint {
	s.mu.Lock()
	c := checkpoint{at: now, floor: s.high}
	s.mu.Unlock()
	for _, l := range s.lines {
		_, last := s.config.Journal.Bounds(l.lane)
		l.mu.Lock()
		c.next = append(c.next, l.next)
		if l.next <= last {
			c.floor = min(c.floor, l.floor)
		}
		l.mu.Unlock()
	}
	return c
}
