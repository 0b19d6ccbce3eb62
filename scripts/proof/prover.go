package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
)

// settings are the flags that every proof knows.
type settings struct {
	Seed    uint64   `help:"Repeat the random moments and deliveries of an earlier run; 0: others every time." placeholder:"N"`
	Rounds  int      `help:"How often; each proof has a number of its own." placeholder:"N"`
	Short   bool     `help:"A few rounds, some seconds each: what CI runs."`
	Weaken  []string `help:"Take protections away: ${enum}. The proof must then fail. For flush forebay is built with the tag unsafe_proof." enum:"flush,guard,dedupe" placeholder:"NAME,..."`
	Forebay string   `help:"The forebay program." required:"" type:"existingfile"`
	NATS    string   `name:"nats-server" help:"The NATS server program." required:"" type:"existingfile"`
	Dir     string   `help:"Where data is kept meanwhile: a folder on a real disk." required:"" type:"existingdir"`
	Verbose bool     `help:"Tell of every round."`
}

// Validate bounds a run.
func (s settings) Validate() error {
	if s.Rounds < 0 || s.Rounds > 10000 {
		return errors.New("--rounds: want 1 to 10000")
	}
	return nil
}

// A prover runs proofs with the same settings.
type prover struct {
	settings
	stdout, stderr io.Writer
}

// The protections that --weaken takes away, to see a proof fail.
const (
	weakFlush  = "flush"  // the journal commits without waiting for the disk
	weakGuard  = "guard"  // the journal forgets what the stream acknowledged, at once
	weakDedupe = "dedupe" // neither the journal nor the stream remembers an ID for longer than a moment
)

func newProver(s settings, stdout, stderr io.Writer) *prover {
	if s.Seed == 0 {
		s.Seed = rand.Uint64N(1 << 32)
	}
	return &prover{settings: s, stdout: stdout, stderr: stderr}
}

func (p *prover) weakened(what string) bool { return slices.Contains(p.Weaken, what) }

// rounds is how often a proof goes on: as the flag says, else its own numbers.
func (p *prover) rounds(long, short int) int {
	switch {
	case p.Rounds > 0:
		return p.Rounds
	case p.Short:
		return short
	default:
		return long
	}
}

// enough reports whether a weakened proof has done what it must: fail. A round more would only take time.
func (p *prover) enough(sum *tally) bool { return len(p.Weaken) > 0 && sum.violated() }

func (p *prover) say(format string, args ...any) {
	if p.Verbose {
		fmt.Fprintf(p.stderr, format+"\n", args...)
	}
}

// errFailed says that a promise was broken, or that a proof could not be carried through.
var errFailed = errors.New("failed")

// prove runs a proof and prints its line. A proof that ended early prints what it had counted.
func (p *prover) prove(ctx context.Context, name string, proof func(context.Context, *prover, *tally) error) error {
	sum := &tally{}
	err := proof(ctx, p, sum)
	if errors.Is(err, errCannot) {
		fmt.Fprintf(p.stdout, "%s: not run: %v\n", name, err)
		return fmt.Errorf("%s: %w", name, err)
	}
	sum.print(p.stdout, name, p.Seed)
	if err != nil {
		return fmt.Errorf("%s: %w: %w", name, errFailed, err)
	}
	if sum.violated() {
		return fmt.Errorf("%s: %w", name, errFailed)
	}
	return nil
}

// trial carries out one round in fresh folders, and leaves nothing behind but the log of one that failed.
func (p *prover) trial(round int, s setup, do func(*trial) error) (err error) {
	dir, err := os.MkdirTemp(p.Dir, fmt.Sprintf("round-%d-", round))
	if err != nil {
		return err
	}
	t, err := p.newTrial(dir, round, s)
	if err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	defer func() {
		if err = errors.Join(err, t.end()); err != nil {
			err = fmt.Errorf("round %d: %w; the log ends so:\n%s", round, err, t.daemon.lastLines(20))
		}
		err = errors.Join(err, os.RemoveAll(dir))
	}()
	return do(t)
}

// dice gives the random numbers of a round, and of one part of it: the same for the same seed.
func (p *prover) dice(round, part int) *rand.Rand {
	return rand.New(rand.NewPCG(p.Seed, uint64(round)<<32|uint64(part)))
}

// allCommand runs every proof, whatever becomes of the others.
type allCommand struct{}

// Run gives the errors of all of them.
func (allCommand) Run(ctx context.Context, p *prover, c *commands) error {
	var errs error
	for _, proof := range []interface {
		Run(context.Context, *prover) error
	}{c.Kill, c.PowerCut, c.Forgetful, c.Outage, c.FullDisk, c.Strangers, c.Cluster} {
		errs = errors.Join(errs, proof.Run(ctx, p))
	}
	return errs
}
