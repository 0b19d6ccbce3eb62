// Package otp is the job that delivers one-time codes: it makes a code or takes the provider's, keeps only a keyed hash
// of it, sends it by mail, SMS or call, and answers whether a code is right, once.
//
// # How often a message goes out
//
// At most one message goes out for an event, and exactly one wherever it can be known whether one did. Each event has a
// claim in NATS KV. An attempt writes "sending" into it at the last moment: over SMTP between the content and the full
// stop that hands it over, over HTTP before the request. It writes "sent" after the answer, before the event is
// acknowledged. So a death before "sending" or after "sent" costs nothing: the next attempt sends, or has nothing left to
// do. A refusal takes the claim back, and the next attempt sends.
//
// What remains is a death, or a connection that breaks, between handing over and the answer. Whether the message went
// out is then not known to anybody on this side. It is not sent again: the event becomes a dead letter, "in doubt", and
// redriving it is the decision to risk a second message. All messages of one event carry the same Message-ID.
//
// # What is kept
//
// Two KV buckets, named after the stream. IDENTITY_OTP holds a [Challenge] per option, so that a program in any language
// can check codes itself; IDENTITY_OTP_SENT holds the claims. Neither holds a code or an address. docs/otp.md has the
// layout and the rules for checking.
package otp

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// A Job delivers codes and checks them. Make one with [New].
type Job struct {
	options  Options
	config   consumer.JobConfig
	log      *slog.Logger
	carriers map[string]carrier // by channel: "email", "sms", "call"
	letters  *letters
	codes    *codes
	claims   *claims
	window   time.Duration // how long another attempt may be between "sending" and its answer
	verify   *verifier     // nil: nobody asks here
	meter    meter
}

var _ consumer.Job = (*Job)(nil)

// New makes the job. It reads files, opens no connection, and refuses what cannot work.
func New(c consumer.JobConfig) (consumer.Job, error) {
	j, err := newJob(c.Complete())
	if err != nil {
		return nil, fmt.Errorf("otp: %w", err)
	}
	return j, nil
}

func newJob(c consumer.JobConfig) (*Job, error) {
	o, err := readOptions(c)
	if err != nil {
		return nil, err
	}
	j := &Job{options: o, config: c, log: c.Log, window: o.window()}
	if j.letters, err = readLetters(o); err != nil {
		return nil, err
	}
	if j.carriers, err = newCarriers(o); err != nil {
		return nil, err
	}
	j.codes = &codes{
		bucket: bucket{js: c.JS, name: c.Prefix + "_OTP", ttl: o.Lifetime, replicas: o.Replicas},
		key:    []byte(o.Key), guesses: o.Guesses, lifetime: o.Lifetime, now: c.Now,
	}
	j.claims = &claims{
		bucket:   bucket{js: c.JS, name: c.Prefix + "_OTP_SENT", ttl: o.Remember, replicas: o.Replicas},
		consumer: c.Consumer,
	}
	if j.meter, err = newMeter(c.Metrics, c.Consumer); err != nil {
		return nil, err
	}
	if o.Verify.Listen != "" {
		j.verify = newVerifier(o.Verify, j.codes, j.log, j.meter)
		j.verify.listen = c.Listen
	}
	return j, nil
}

// Handle is the way of one code: read whom it is for, see that it was not sent before, make it, write the letter, send
// it, and note what became of it.
func (j *Job) Handle(ctx context.Context, m *consumer.Message) error {
	r, err := j.read(m)
	if err != nil {
		return consumer.Permanent(err)
	}
	c, err := j.claims.of(ctx, m)
	if err != nil {
		return err
	}
	if c.State == stateSent {
		j.meter.message(r.channel, "duplicate")
		return nil
	}
	if err := c.free(j.config.Now(), j.window); err != nil {
		return err
	}
	code, err := j.code(m)
	if err != nil {
		return consumer.Permanent(err)
	}
	l, err := j.letters.write(r, code)
	if err != nil {
		return consumer.Permanent(err)
	}
	err = j.carriers[r.channel].deliver(ctx, l, func(ctx context.Context) error { return j.commit(ctx, c, r, code) })
	return j.settle(ctx, c, r, err)
}

// commit is the point of no return: the claim, which one attempt alone can win, and then the code.
func (j *Job) commit(ctx context.Context, c *claim, r *request, code string) error {
	if err := c.take(ctx); err != nil {
		return err
	}
	return j.codes.put(ctx, r, code)
}

// settleTime is how long the outcome of an attempt may take to be written down, even though the attempt is over.
const settleTime = 5 * time.Second

// settle notes in the claim how the delivery ended, and gives the verdict.
func (j *Job) settle(ctx context.Context, c *claim, r *request, err error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if errors.As(err, new(doubtError)) {
		j.meter.message(r.channel, "doubt")
		return consumer.Permanent(err)
	}
	if err == nil {
		j.meter.message(r.channel, "sent")
		if err := c.note(ctx, stateSent); err != nil { // it is sent and is going to be acknowledged all the same
			j.log.Warn("note a code as sent", "source", r.source, "id", r.event, "err", err)
		}
		return nil
	}
	j.meter.message(r.channel, "failed")
	if c.taken {
		err = errors.Join(err, c.note(ctx, stateOpen))
	}
	return err
}

// Run answers whether codes are right, where that is configured, until ctx ends.
func (j *Job) Run(ctx context.Context) error {
	if j.verify == nil {
		<-ctx.Done()
		return nil
	}
	if err := j.verify.run(ctx); err != nil {
		return fmt.Errorf("otp: %w", err)
	}
	return nil
}
