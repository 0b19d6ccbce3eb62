package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/schema"
)

// A Dead is a dead letter.
type Dead struct {
	ID       uint64    // in the stream of dead letters: what show, drop and redrive call it by
	Consumer string    // "otp"
	Reason   string    // "max deliveries: dial tcp …", "permanent: …", "expired"
	Attempts int       // that were made or begun
	Seq      uint64    // in the stream of events
	Time     time.Time // when the attempts ended
	Subject  string    // "identity-dead.otp.ssofy.otp.requested"

	// What is known of the event. All of it is empty where the event was gone from the stream.
	Source  string
	Action  schema.Action
	EventID string
	UserID  string
	Header  map[string][]string
	Body    []byte // nil in lists, too
}

// A DeadFilter chooses dead letters. Empty members choose all.
type DeadFilter struct {
	Consumer string
	IDs      []uint64
	Actions  []string // patterns
	Source   string
	UserID   string
	EventID  string
	Reason   string    // part of the reason
	Since    time.Time // by when the attempts ended
	Until    time.Time // exclusive
	Limit    int       // 0: no limit
}

// List calls each with the chosen dead letters, oldest first, without their bodies. An error of each ends it.
func List(ctx context.Context, js jetstream.JetStream, s Stream, f DeadFilter, each func(Dead) error) error {
	if err := errors.Join(s.check(), f.check()); err != nil {
		return fmt.Errorf("list dead letters: %w", err)
	}
	n := 0
	err := scan(ctx, js, s.Dead(), f.scan(s), func(msg Stored) error {
		d := deadOf(s, msg)
		d.Body = nil
		if !f.matches(d) {
			return nil
		}
		if err := each(d); err != nil {
			return err
		}
		if n++; n == f.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) { // there never was a dead letter
		return nil
	}
	if err != nil {
		return fmt.Errorf("list dead letters: %w", err)
	}
	return nil
}

// Show reads one dead letter, body included. One that is not there is jetstream.ErrMsgNotFound.
func Show(ctx context.Context, js jetstream.JetStream, s Stream, id uint64) (Dead, error) {
	stream, err := js.Stream(ctx, s.Dead())
	if errors.Is(err, jetstream.ErrStreamNotFound) { // there never was a dead letter
		return Dead{}, noDead{id}
	}
	if err != nil {
		return Dead{}, fmt.Errorf("show dead letter %d: %w", id, err)
	}
	msg, err := stream.GetMsg(ctx, id)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return Dead{}, noDead{id}
	}
	if err != nil {
		return Dead{}, fmt.Errorf("show dead letter %d: %w", id, err)
	}
	return deadOf(s, Stored{
		Seq: id, Time: msg.Time, Subject: msg.Subject, Header: published(msg.Header), Body: msg.Data,
	}), nil
}

// A noDead is jetstream.ErrMsgNotFound in words for those who asked for the number.
type noDead struct{ id uint64 }

func (n noDead) Error() string {
	return fmt.Sprintf(`no dead letter %d: "forebay dead list" has those that there are`, n.id)
}

// Is makes it that of the library.
func (noDead) Is(target error) bool { return target == jetstream.ErrMsgNotFound }

// Drop deletes the chosen dead letters for good and says how many.
func Drop(ctx context.Context, js jetstream.JetStream, s Stream, f DeadFilter) (n int, err error) {
	ids, err := chosen(ctx, js, s, f)
	if err != nil {
		return 0, err
	}
	for _, d := range ids {
		if err := remove(ctx, js, s, d.ID); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

func remove(ctx context.Context, js jetstream.JetStream, s Stream, id uint64) error {
	stream, err := js.Stream(ctx, s.Dead())
	if err == nil {
		err = stream.DeleteMsg(ctx, id)
	}
	if err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return fmt.Errorf("drop dead letter %d: %w", id, err)
	}
	return nil
}

// A choice is what a command that changes dead letters remembers of each.
type choice struct {
	ID       uint64
	Consumer string
}

func chosen(ctx context.Context, js jetstream.JetStream, s Stream, f DeadFilter) (all []choice, err error) {
	err = List(ctx, js, s, f, func(d Dead) error {
		all = append(all, choice{d.ID, d.Consumer})
		return nil
	})
	return all, err
}

func (f DeadFilter) check() error {
	if f.Consumer != "" && !validName(f.Consumer) {
		return fmt.Errorf("consumer %q is no name of a consumer", f.Consumer)
	}
	return Selector{Actions: f.Actions, Source: f.Source}.check()
}

// scan says where to look; matches decides the rest.
func (f DeadFilter) scan(s Stream) scanConfig {
	name := f.Consumer
	if name == "" {
		name = "*"
	}
	c := scanConfig{subjects: []string{s.deadOf(name)}, headersOnly: true}
	if len(f.IDs) > 0 {
		c.from, c.to = slices.Min(f.IDs), slices.Max(f.IDs)
	}
	return c
}

func (f DeadFilter) matches(d Dead) bool {
	switch {
	case len(f.IDs) > 0 && !slices.Contains(f.IDs, d.ID),
		f.Source != "" && f.Source != d.Source,
		f.UserID != "" && f.UserID != d.UserID,
		f.EventID != "" && f.EventID != d.EventID,
		!strings.Contains(d.Reason, f.Reason),
		d.Time.Before(f.Since),
		!f.Until.IsZero() && !d.Time.Before(f.Until):
		return false
	}
	return len(f.Actions) == 0 || slices.ContainsFunc(f.Actions, func(p string) bool { return Matches(p, d.Action) })
}

// deadOf reads a message of the stream of dead letters.
func deadOf(s Stream, msg Stored) Dead {
	h := nats.Header(msg.Header)
	attempts, _ := strconv.Atoi(h.Get(HeaderDeadAttempts))
	at, err := time.Parse(time.RFC3339Nano, h.Get(HeaderDeadTime))
	if err != nil {
		at = msg.Time
	}
	d := Dead{
		ID: msg.Seq, Subject: msg.Subject, Header: msg.Header, Body: msg.Body,
		Consumer: h.Get(HeaderDeadConsumer), Reason: h.Get(HeaderDeadReason), Attempts: attempts,
		Seq: number(h.Get(HeaderDeadSeq)), Time: at,
		EventID: header(msg.Header, schema.HeaderID), UserID: header(msg.Header, schema.HeaderSubject),
	}
	if event, ok := s.event(msg.Subject); ok && event != gone {
		source, action, _ := strings.Cut(event, ".")
		d.Source, d.Action = source, schema.Action(action)
	}
	return d
}
