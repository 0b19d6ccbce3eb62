package main

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// A setup says how forebay runs in a trial. The zero setup is a fresh one with the embedded server.
type setup struct {
	data     string        // the data folder; empty: in the trial's own folder
	external bool          // the server is another process
	guard    time.Duration // journal.guard; 0: forebay's default
	replicas int           // of the stream; 0: forebay's default
	window   string        // the stream's duplicate window, where guard does not say it; empty: forebay's default
	limits   string        // what stands under limits; empty: none that are felt
	more     string        // further keys of the configuration, as YAML
}

// A trial is one round of a proof: a forebay, what was sent to it, and what it answered.
type trial struct {
	prover *prover
	dir    string
	rng    *rand.Rand // every decision of the round
	daemon *daemon
	server *server // nil where it is embedded
	ledger *ledger
	round  int
	loads  int // senders so far

	unmount func() error // gives back the disk that the data is on; nil: it has none of its own
}

func (p *prover) newTrial(dir string, round int, s setup) (t *trial, err error) {
	if s.data == "" {
		s.data = filepath.Join(dir, "data")
	}
	t = &trial{prover: p, dir: dir, rng: p.dice(round, 0), ledger: newLedger(), round: round}
	if t.daemon, err = newDaemon(p, dir, s); err != nil {
		return nil, err
	}
	if s.external {
		if t.server, err = newServer(p, dir); err != nil {
			return nil, err
		}
		t.daemon.nats = t.server.url
	}
	return t, nil
}

// start starts the server, if it is another process, and forebay, and returns once deliveries are taken.
func (t *trial) start(ctx context.Context) error {
	if t.server != nil {
		if err := t.server.start(ctx); err != nil {
			return err
		}
	}
	return t.daemon.start(ctx)
}

// finish ends a trial of so many rounds in good order: the load brings home what it has sent, the stream must have it, and
// forebay stops. Healed is when nothing was broken any more.
func (t *trial) finish(ctx context.Context, l *load, healed time.Time, rounds int, sum *tally) error {
	l.finish()
	part, err := t.settle(ctx, healed)
	if err != nil {
		return err
	}
	part.Rounds = rounds
	sum.add(part)
	return t.daemon.stop()
}

// end takes down what the trial started.
func (t *trial) end() error {
	t.daemon.kill()
	if t.server != nil {
		t.server.kill()
	}
	if t.unmount != nil {
		return t.unmount()
	}
	return nil
}

// between gives a random time, as the seed has it.
func (t *trial) between(least, most time.Duration) time.Duration {
	return least + time.Duration(t.rng.Int64N(int64(most-least)+1))
}

func (t *trial) say(format string, args ...any) { t.prover.say(format, args...) }
