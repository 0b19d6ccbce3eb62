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
	"golang.org/x/time/rate"

	"github.com/forebayhq/forebay/schema"
)

// Redrive gives dead letters back to their consumers, and to nobody else. A dead letter whose event is published is
// deleted; one whose event cannot be stays.
type Redrive struct {
	JS       jetstream.JetStream
	Stream   Stream
	Filter   DeadFilter
	Rate     float64        // events a second; 0: as fast as the stream takes them
	DryRun   bool           // change nothing: only count
	Progress func(Redriven) // called after each, from the goroutine of Run; nil: not called
}

// Redriven says what a redrive did.
type Redriven struct {
	Total  int // dead letters that were chosen
	Given  int // back to their consumers; of a dry run: would be
	Lapsed int // kept as dead letters: the lifetime of their action is over
	Gone   int // kept as dead letters: the event itself was gone from the stream
}

// Run redrives what is dead now. Interrupted and run again, it gives no event twice, however long that took, as long as
// the first copy is in the stream.
func (r Redrive) Run(ctx context.Context) (done Redriven, err error) {
	letters, err := chosen(ctx, r.JS, r.Stream, r.Filter)
	if err != nil || len(letters) == 0 {
		return done, err
	}
	done.Total = len(letters)
	given, err := r.given(ctx, letters)
	if err != nil {
		return done, fmt.Errorf("redrive: %w", err)
	}
	if r.DryRun {
		r.Rate = 0
	}
	pace := limiter(r.Rate)
	for _, letter := range letters {
		if err := pace.Wait(ctx); err != nil {
			return done, fmt.Errorf("redrive: %w", err)
		}
		switch err := r.give(ctx, letter, given); {
		case errors.Is(err, errLapsed):
			done.Lapsed++
		case errors.Is(err, jetstream.ErrMsgNotFound):
			done.Gone++
		case err != nil:
			return done, fmt.Errorf("redrive dead letter %d: %w", letter.ID, err)
		default:
			done.Given++
		}
		if r.Progress != nil {
			r.Progress(done)
		}
	}
	return done, nil
}

func limiter(perSecond float64) *rate.Limiter {
	if perSecond <= 0 {
		return rate.NewLimiter(rate.Inf, 1)
	}
	return rate.NewLimiter(rate.Limit(perSecond), 1)
}

const redrivePrefix = "redrive/"

// id is the Nats-Msg-Id of the copy: one for every dead letter.
func (r Redrive) id(d Dead) string {
	return redrivePrefix + d.Consumer + "/" + strconv.FormatUint(d.Seq, 10) + "/" + strconv.FormatUint(d.ID, 10)
}

// given finds the copies that an interrupted redrive made without deleting the dead letter. It also makes sure that the
// consumers exist.
func (r Redrive) given(ctx context.Context, letters []choice) (map[string]bool, error) {
	consumers, given := map[string]bool{}, map[string]bool{}
	for _, letter := range letters {
		if consumers[letter.Consumer] {
			continue
		}
		consumers[letter.Consumer] = true
		if err := r.Stream.listens(ctx, r.JS, letter.Consumer); err != nil {
			return nil, err
		}
		err := scan(ctx, r.JS, r.Stream.Name, scanConfig{
			subjects: []string{r.Stream.redrive(letter.Consumer, ">")}, headersOnly: true,
		}, func(e Stored) error {
			if id := nats.Header(e.Header).Get(schema.HeaderMsgID); strings.HasPrefix(id, redrivePrefix) {
				given[id] = true
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return given, nil
}

func (r Redrive) give(ctx context.Context, letter choice, given map[string]bool) error {
	d, err := Show(ctx, r.JS, r.Stream, letter.ID)
	if err != nil {
		return err
	}
	if id := r.id(d); !given[id] {
		msg, err := r.copy(ctx, d, id)
		if err != nil || r.DryRun {
			return err
		}
		if _, err := r.JS.PublishMsg(ctx, msg, jetstream.WithExpectStream(r.Stream.Name)); err != nil {
			return fmt.Errorf("publish %s: %w", msg.Subject, err)
		}
	}
	if r.DryRun {
		return nil
	}
	return remove(ctx, r.JS, r.Stream, d.ID)
}

func (r Redrive) copy(ctx context.Context, d Dead, id string) (*nats.Msg, error) {
	e := Stored{Seq: d.Seq, Subject: d.Subject, Header: d.Header, Body: d.Body}
	if len(d.Body) == 0 { // it was gone, or too large: the stream may have it
		stream, err := r.JS.Stream(ctx, r.Stream.Name)
		if err != nil {
			return nil, err
		}
		msg, err := stream.GetMsg(ctx, d.Seq)
		if err != nil {
			return nil, err
		}
		e = Stored{Seq: d.Seq, Subject: msg.Subject, Header: published(msg.Header), Body: msg.Data}
	}
	if ttl := nats.Header(e.Header).Get(HeaderDeadTTL); ttl != "" {
		nats.Header(e.Header).Set(schema.HeaderTTL, ttl)
	}
	received, err := time.Parse(time.RFC3339Nano, header(e.Header, schema.HeaderReceivedTime))
	if err != nil {
		received = d.Time
	}
	return r.Stream.copyFor(d.Consumer, id, e, received, time.Now())
}
