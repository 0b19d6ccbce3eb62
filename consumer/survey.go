package consumer

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	surveyMost = 20_000                 // events that a survey looks at; more are not told apart by user
	surveyStep = 250 * time.Millisecond // how often the server is asked whether a survey is settled
)

// A survey finds out, for the sake of order, which events the server may have handed over that nobody here works on: an
// earlier life of this program got them, or a connection that broke. Until they come again, or prove done, later events
// of their users wait.
type survey struct {
	c       *Consumer
	durable jetstream.Consumer
	seen    uint64 // number of the last hand-over that came
}

// follow takes note of a hand-over. Numbers that are left out are hand-overs that got lost.
func (s *survey) follow(ctx context.Context, consumed uint64) error {
	lost := consumed > s.seen+1
	s.seen = max(s.seen, consumed)
	if !lost {
		return nil
	}
	return s.take(ctx)
}

// take lists the events between the one below which all are done and the last that was handed over. It goes on in the
// background until they are settled.
func (s *survey) take(ctx context.Context) error {
	info, err := s.durable.Info(ctx)
	if err != nil {
		return fmt.Errorf("survey durable %s: %w", s.c.config.Name, err)
	}
	floor, cut := info.AckFloor.Stream, info.Delivered.Stream
	if info.NumAckPending == 0 || floor >= cut {
		return nil
	}
	users, tooMany, err := s.users(ctx, floor, cut)
	if err != nil {
		return fmt.Errorf("survey durable %s: %w", s.c.config.Name, err)
	}
	s.c.order.surveyed(users, cut, tooMany)
	s.c.underway.Go(func() { s.settle(ctx, cut) })
	return nil
}

// users reads whose events lie in (floor, cut].
func (s *survey) users(ctx context.Context, floor, cut uint64) (users map[string][]uint64, tooMany bool, err error) {
	users = map[string][]uint64{}
	n := 0
	err = scan(ctx, s.c.js, s.c.config.Stream.Name, scanConfig{
		subjects: s.c.config.Filters(), from: floor + 1, to: cut, headersOnly: true,
	}, func(msg Stored) error {
		if n++; n > surveyMost {
			tooMany = true
			return errEnough
		}
		if user := userOf(msg.Header); user != "" && !s.c.tray.knows(key{msg.Seq, msg.Time.UnixNano()}) {
			users[user] = append(users[user], msg.Seq)
		}
		return nil
	})
	return users, tooMany, err
}

// settle asks until everything below cut is accounted for.
func (s *survey) settle(ctx context.Context, cut uint64) {
	for ctx.Err() == nil {
		wait(ctx, surveyStep)
		info, err := s.durable.Info(ctx)
		if err != nil {
			continue
		}
		events, settled := s.c.order.settle(info.AckFloor.Stream, info.NumAckPending, s.c.tray.len())
		s.c.resume(ctx, events)
		if settled || info.AckFloor.Stream >= cut {
			return
		}
	}
}
