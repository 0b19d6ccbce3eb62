package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Status is how one durable is doing.
type Status struct {
	Name        string
	Actions     []string  // patterns, read from its filters
	Lag         uint64    // events that were never handed over; one counts a moment after its acknowledgement
	InFlight    int       // handed over and not answered, waiting for their next attempt included
	Attempts    uint64    // hand-overs since the durable was made
	Redelivered int       // events in the stream that had a second attempt and are not done; with those that died unanswered, not with those that were terminated
	Clients     int       // requests for events that wait; 0: nobody is bound, or all are busy
	Oldest      time.Time // when the oldest event that is not done was stored; zero: none
	LastAttempt time.Time // zero: none
	MaxAttempts int       // 0: without end
	Dead        uint64    // dead letters
	LastError   string    // the reason of the youngest dead letter
	LastDead    time.Time // when its attempts ended
}

// Statuses tells how all durables of the stream are doing, by name.
func Statuses(ctx context.Context, js jetstream.JetStream, s Stream) ([]Status, error) {
	stream, err := js.Stream(ctx, s.Name)
	if err != nil {
		return nil, fmt.Errorf("read consumers of %s: %w", s.Name, err)
	}
	var all []Status
	list := stream.ListConsumers(ctx)
	for info := range list.Info() {
		if info.Config.Durable != "" {
			all = append(all, status(s, info))
		}
	}
	if err := list.Err(); err != nil {
		return nil, fmt.Errorf("read consumers of %s: %w", s.Name, err)
	}
	slices.SortFunc(all, func(a, b Status) int { return cmp.Compare(a.Name, b.Name) })
	for i := range all {
		if err := errors.Join(all[i].oldest(ctx, js, s), all[i].dead(ctx, js, s)); err != nil {
			return nil, fmt.Errorf("read consumer %s: %w", all[i].Name, err)
		}
	}
	return all, nil
}

func status(s Stream, info *jetstream.ConsumerInfo) Status {
	st := Status{
		Name: info.Name, Actions: patterns(s, info.Config), Lag: info.NumPending, InFlight: info.NumAckPending,
		Attempts: info.Delivered.Consumer, Redelivered: info.NumRedelivered, Clients: info.NumWaiting, MaxAttempts: max(0, info.Config.MaxDeliver),
	}
	if last := info.Delivered.Last; last != nil {
		st.LastAttempt = *last
	}
	return st
}

// patterns reads from the filters of a durable what Declare made of its actions. A filter of another form stays as it is.
func patterns(s Stream, c jetstream.ConsumerConfig) (all []string) {
	filters := c.FilterSubjects
	if c.FilterSubject != "" {
		filters = []string{c.FilterSubject}
	}
	for _, filter := range filters {
		action, ours := strings.CutPrefix(filter, s.Prefix+".*.")
		switch {
		case strings.HasPrefix(filter, s.Prefix+"-redrive."):
		case ours && action == "*.*":
			all = append(all, "*")
		case ours:
			all = append(all, action)
		default:
			all = append(all, filter)
		}
	}
	return all
}

// oldest finds the first event behind the one below which all are done.
func (st *Status) oldest(ctx context.Context, js jetstream.JetStream, s Stream) error {
	if st.Lag == 0 && st.InFlight == 0 {
		return nil
	}
	durable, err := js.Consumer(ctx, s.Name, st.Name)
	if err != nil {
		return err
	}
	stream, err := js.Stream(ctx, s.Name)
	if err != nil {
		return err
	}
	info := durable.CachedInfo()
	filters := info.Config.FilterSubjects
	if len(filters) == 0 {
		filters = []string{cmp.Or(info.Config.FilterSubject, ">")}
	}
	for _, filter := range filters {
		msg, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(filter))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		if st.Oldest.IsZero() || msg.Time.Before(st.Oldest) {
			st.Oldest = msg.Time
		}
	}
	return nil
}

func (st *Status) dead(ctx context.Context, js jetstream.JetStream, s Stream) error {
	subject := s.deadOf(st.Name)
	stream, err := js.Stream(ctx, s.Dead())
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return err
	}
	for _, n := range info.State.Subjects {
		st.Dead += n
	}
	if st.Dead == 0 {
		return nil
	}
	msg, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) { // dropped meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	last := deadOf(s, Stored{Seq: msg.Sequence, Time: msg.Time, Subject: msg.Subject, Header: msg.Header})
	st.LastError, st.LastDead = last.Reason, last.Time
	return nil
}
