package consumer

import (
	"errors"
	"time"
)

// Permanent marks an error that no further attempt will mend: the event is a dead letter now. A nil error stays nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return permanentError{err}
}

// After asks for the next attempt after d rather than by the schedule, as a server does with Retry-After. It counts as an
// attempt like any other. A nil error stays nil.
func After(d time.Duration, err error) error {
	if err == nil {
		return nil
	}
	return afterError{max(d, 0), err}
}

type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

type afterError struct {
	delay time.Duration
	error
}

func (e afterError) Unwrap() error { return e.error }

var errExpired = errors.New("older than the consumer's max_age, or than the lifetime of the action allows")

// A verdict is how an attempt ended.
type verdict int

const (
	acked      verdict = iota
	retried            // the next attempt comes by the schedule
	postponed          // the next attempt comes when the handler said
	permanent          // a dead letter: no further attempt will mend it
	exhausted          // a dead letter: it was the last attempt
	expired            // a dead letter: too old to be handed over
	unreadable         // a dead letter: no event of ours
	verdicts           // how many there are
)

// String is the label of the metric.
func (v verdict) String() string {
	return [...]string{"ack", "retry", "after", "permanent", "exhausted", "expired", "unreadable"}[v]
}
