// Package command is the job that runs a program for every event: in any language, without a NATS client and without a
// web server.
//
// # What a program gets
//
// The event's JSON, as it lies in the stream, on standard input; sealed members are sealed. A program need not read it.
// There is no shell between: arguments are passed as they are written, and nothing in an event becomes one. The
// environment has the attributes of the event, as they are, and of the attempt:
//
//	FOREBAY_ID FOREBAY_ACTION FOREBAY_NATIVE FOREBAY_OUTCOME   the event
//	FOREBAY_SOURCE FOREBAY_PROVIDER                            where it comes from
//	FOREBAY_TIME FOREBAY_RECEIVED                              when, RFC 3339
//	FOREBAY_USER                                               the user's ID, if there is one
//	FOREBAY_SUBJECT FOREBAY_SEQ                                the NATS subject, and the sequence in the stream
//	FOREBAY_CONSUMER FOREBAY_ATTEMPT FOREBAY_MAX_ATTEMPTS      the attempt, from 1
//	FOREBAY_REPLAY_OF                                          the sequence of the event that this one repeats, if it does
//	TRACEPARENT                                                the W3C trace context: of the attempt where it is traced, else of the delivery
//
// What comes from a provider may hold anything but NUL: quote it in a shell. Of forebay's own environment a program gets
// PATH, HOME, LANG and what the configuration lists, so that no secret is passed on by accident.
//
// An event may come more than once, as when forebay was killed before it could tell the server that it is done with:
// FOREBAY_SOURCE and FOREBAY_ID together are one for an event.
//
// # Verdicts
//
//	exit code 0           done
//	exit code 65          a dead letter now: no further attempt will mend it (EX_DATAERR of sysexits.h)
//	exit code 75          another attempt (EX_TEMPFAIL); if the last line of standard output is "retry-after: 90", or
//	                      "retry-after: 5m", after so many seconds or so long, else by the schedule
//	any other, a signal   another attempt by the schedule
//	too long, or stopped  another attempt by the schedule, whatever the exit code
//
// # How it ends
//
// A program leads a process group of its own. When it takes too long, or forebay stops hard, the group gets SIGTERM, and
// after a grace SIGKILL. What is left of the group when the program itself has ended gets the same, so nothing stays
// behind but what has left the group. On systems other than Unix only the program itself is killed.
package command

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

type job struct {
	consumer    string
	name        string // of the program, for errors: its arguments may be secrets
	path        string
	options     Options
	environment []string // what every run gets
	log         *slog.Logger
	running     sync.RWMutex // attempts read-lock it, so that Run can wait for their end
}

// New makes the job of one consumer from its [Options]. It refuses a program that is not there.
func New(c consumer.JobConfig) (consumer.Job, error) {
	c = c.Complete()
	o, err := readOptions(c)
	if err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	path, err := o.find()
	if err != nil {
		return nil, fmt.Errorf("command: argv: %w", err)
	}
	j := &job{consumer: c.Consumer, name: o.Argv[0], path: path, options: o, environment: o.environment(), log: c.Log}
	return j, nil
}

// Handle runs the program with one event. How it ends decides the verdict.
func (j *job) Handle(ctx context.Context, m *consumer.Message) error {
	j.running.RLock()
	defer j.running.RUnlock()
	ctx, cancel := context.WithTimeout(ctx, j.options.Timeout)
	defer cancel()
	begin := time.Now()
	p, err := start(j.command(m), m.Body)
	if err != nil {
		return fmt.Errorf("run %s: %w", j.name, err)
	}
	e := p.wait(ctx, j.options.Grace)
	j.note(m, e, time.Since(begin))
	return j.verdict(e)
}

// Run waits, when ctx ends, for the programs under way, so that forebay does not leave one behind.
func (j *job) Run(ctx context.Context) error {
	<-ctx.Done()
	j.running.Lock()
	defer j.running.Unlock()
	return nil
}

// note logs how a program ended: the size of what it wrote, and the text only where the configuration says so.
func (j *job) note(m *consumer.Message, e ending, took time.Duration) {
	log := j.log.With("id", m.Event.ID, "action", m.Event.Action, "attempt", m.Attempt, "took", took, "status", e.state.String())
	if j.options.LogOutput {
		log.Info("the program ended", "stdout", clean(e.stdout), "stderr", clean(e.stderr))
		return
	}
	log.Debug("the program ended", "stdout_bytes", e.stdout.size, "stderr_bytes", e.stderr.size)
}

// clean is the end of an output as text.
func clean(t tail) string {
	return string(bytes.ToValidUTF8(bytes.TrimSpace(t.bytes()), []byte("\uFFFD")))
}
