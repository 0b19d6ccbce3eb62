package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// complete fills in what was left to the defaults.
func (c Config) complete() Config {
	orElse(&c.MaxAttempts, 6)
	orElse(&c.Parallel, 16)
	orElse(&c.Pending, 4096)
	orElse(&c.Timeout, 30*time.Second)
	orElse(&c.Grace, min(c.Timeout, maxGrace))
	if len(c.Actions) == 0 {
		c.Actions = []string{"*"}
	}
	if len(c.Retry) == 0 {
		c.Retry = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// maxGrace bounds the grace that follows from the timeout: what stops programs, as systemd does, has no endless patience.
const maxGrace = 30 * time.Second

func orElse[T comparable](value *T, otherwise T) {
	if *value == *new(T) {
		*value = otherwise
	}
}

// minStep bounds the steps of a schedule: the server's own timers are not much finer.
const minStep = 10 * time.Millisecond

// Check refuses what cannot be a consumer. Zero values stand for the defaults. Errors name the member as the
// configuration file spells it.
func (c Config) Check() error {
	c = c.complete()
	switch {
	case !validName(c.Name):
		return fmt.Errorf("consumer %q: its name is not one to 64 letters, digits, '_' and '-'", c.Name)
	case c.MaxAttempts < 0:
		return fmt.Errorf("consumer %s: max_attempts is negative", c.Name)
	case slices.Min(c.Retry) < minStep:
		return fmt.Errorf("consumer %s: retry: a step is shorter than %s", c.Name, minStep)
	case c.MaxAge < 0:
		return fmt.Errorf("consumer %s: max_age is negative", c.Name)
	case c.Parallel < 0 || c.Pending < 0 || c.Timeout < 0 || c.Grace < 0:
		return fmt.Errorf("consumer %s: parallel, pending, timeout or grace is negative", c.Name)
	case c.Pending < c.Parallel:
		return fmt.Errorf("consumer %s: pending is less than parallel", c.Name)
	case c.OrderedBy != "" && c.OrderedBy != OrderedByUser:
		return fmt.Errorf("consumer %s: ordered_by is not %q", c.Name, OrderedByUser)
	}
	for _, pattern := range c.Actions {
		if !ValidPattern(pattern) {
			return fmt.Errorf("consumer %s: actions: %q is no action, category.* or *", c.Name, pattern)
		}
	}
	return nil
}

// validName reports whether s can name a durable and be a token of a subject.
func validName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
}

// Declare makes the durable of a consumer, or brings the one that is there up to date, so that a client in any language
// only binds to it and answers. Doing it again changes nothing. What cannot be changed and does no harm comes back in
// words; where a client could not work with it, it is an error. Settings that Declare does not know stay as they are.
func Declare(ctx context.Context, js jetstream.JetStream, c Config) (differences []string, err error) {
	c = c.complete()
	if err := errors.Join(c.Check(), c.Stream.check()); err != nil {
		return nil, err
	}
	want := c.durable()
	have, err := create(ctx, js, c.Stream.Name, want)
	if err != nil {
		return nil, fmt.Errorf("declare consumer %s: %w", c.Name, err)
	}
	if err := unusable(have); err != nil {
		return nil, fmt.Errorf("declare consumer %s: %w", c.Name, err)
	}
	if merged := merge(have, want); !same(have, merged) {
		if _, err := js.UpdateConsumer(ctx, c.Stream.Name, merged); err != nil {
			return nil, fmt.Errorf("declare consumer %s: update it: %w", c.Name, err)
		}
	}
	return compare(have, want), nil
}

// durable is the consumer as the server keeps it. The server waits BackOff[n] for the answer to attempt n+1, and the last
// entry for the answers to all that follow; it takes no more entries than attempts.
func (c Config) durable() jetstream.ConsumerConfig {
	backoff := c.Retry[:min(len(c.Retry), c.MaxAttempts)]
	policy := jetstream.DeliverAllPolicy
	if c.New {
		policy = jetstream.DeliverNewPolicy
	}
	return jetstream.ConsumerConfig{
		Durable:        c.Name,
		Description:    "Declared by Forebay",
		DeliverPolicy:  policy,
		AckPolicy:      jetstream.AckExplicitPolicy,
		FilterSubjects: c.Filters(),
		BackOff:        backoff,
		AckWait:        backoff[0],
		MaxDeliver:     c.MaxAttempts,
		MaxAckPending:  c.Pending,
	}
}

// create gives the durable as the server has it, made now if it was missing.
func create(
	ctx context.Context, js jetstream.JetStream, stream string, want jetstream.ConsumerConfig,
) (jetstream.ConsumerConfig, error) {
	consumer, err := js.Consumer(ctx, stream, want.Durable)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		consumer, err = js.CreateConsumer(ctx, stream, want)
	}
	if errors.Is(err, jetstream.ErrConsumerExists) { // another forebay was faster
		consumer, err = js.Consumer(ctx, stream, want.Durable)
	}
	if errors.Is(err, jetstream.ErrNotPullConsumer) {
		return jetstream.ConsumerConfig{}, errPush
	}
	if err != nil {
		return jetstream.ConsumerConfig{}, err
	}
	return consumer.CachedInfo().Config, nil
}

var errPush = errors.New("the durable is there, and is a push consumer: delete it, or choose another name")

// unusable tells of a durable that somebody else made, and that cannot do the work.
func unusable(have jetstream.ConsumerConfig) error {
	if have.AckPolicy != jetstream.AckExplicitPolicy {
		return fmt.Errorf("the durable is there, with ack policy %s instead of explicit: delete it, or choose another name",
			have.AckPolicy)
	}
	return nil
}

// merge puts what we decide, and the server lets one change, over what is there.
func merge(have, want jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	have.FilterSubject, have.FilterSubjects = "", want.FilterSubjects
	have.BackOff, have.AckWait = want.BackOff, want.AckWait
	have.MaxDeliver, have.MaxAckPending = want.MaxDeliver, want.MaxAckPending
	return have
}

func same(a, b jetstream.ConsumerConfig) bool {
	return a.FilterSubject == b.FilterSubject && slices.Equal(a.FilterSubjects, b.FilterSubjects) &&
		slices.Equal(a.BackOff, b.BackOff) && a.AckWait == b.AckWait &&
		a.MaxDeliver == b.MaxDeliver && a.MaxAckPending == b.MaxAckPending
}

// compare words what stays different.
func compare(have, want jetstream.ConsumerConfig) (differences []string) {
	differ := func(format string, values ...any) {
		differences = append(differences, fmt.Sprintf("consumer %s: ", want.Durable)+fmt.Sprintf(format, values...))
	}
	if have.DeliverPolicy != want.DeliverPolicy {
		differ("deliver_policy is %s, not %s: it can only be chosen for a new durable", have.DeliverPolicy, want.DeliverPolicy)
	}
	if have.ReplayPolicy != want.ReplayPolicy {
		differ("replay_policy is %s, not %s: events come as slowly as they came in", have.ReplayPolicy, want.ReplayPolicy)
	}
	if have.MemoryStorage {
		differ("mem_storage is on: a restart of the server forgets attempts")
	}
	if have.InactiveThreshold > 0 {
		differ("inactive_threshold is %s: the server deletes it when no client asks for so long", have.InactiveThreshold)
	}
	if have.HeadersOnly {
		differ("headers_only is on: clients do not get the events themselves")
	}
	return differences
}
