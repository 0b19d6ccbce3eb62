// The proofs behind scripts/prove: each tries to break one promise of forebay, and counts what became of the events.
//
// A proof runs the real program as a process of its own, sends it signed deliveries from loopback, breaks something at
// random moments, heals it, and reads the stream with a NATS client. Nothing here is built on the product's own code:
// signatures are made from what the providers document, and what an answer promised is noted by whoever got it. Begin
// with killCommand.round, then read trial.settle, which counts.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

// commands is the command line: a command for each proof, in the order in which all runs them.
type commands struct {
	Kill      killCommand      `cmd:"" help:"Kill forebay at random moments under load, also while it recovers."`
	PowerCut  powerCutCommand  `cmd:"" help:"Start from a copy of the disk, taken under load: what had reached it, nothing else."`
	Forgetful forgetfulCommand `cmd:"" help:"Set the stream's store back by some seconds, or empty it, while the journal lives."`
	Outage    outageCommand    `cmd:"" help:"Stop, kill, pause and restart NATS under load."`
	FullDisk  fullDiskCommand  `cmd:"" help:"Fill the disk, and damage the journal."`
	Strangers strangersCommand `cmd:"" help:"Send what no provider would."`
	Cluster   clusterCommand   `cmd:"" help:"Kill, cut off and restart the members of a cluster: three NATS servers, two forebays."`
	All       allCommand       `cmd:"" help:"Every proof, one after the other."`

	settings
}

// Exit codes. A program that runs a proof can tell a broken promise from a machine that cannot run it.
const (
	exitFailed = 1
	exitCannot = 77
)

// errCannot says that a proof cannot run on this machine.
var errCannot = errors.New("cannot run here")

func cannotf(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errCannot, fmt.Sprintf(format, args...))
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove:", err)
		os.Exit(exitCode(err))
	}
}

// exitCode gives exitCannot only where nothing worse happened.
func exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errCannot) && !errors.Is(err, errFailed):
		return exitCannot
	default:
		return exitFailed
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	exited := false // kong exits after --help
	var c commands
	parser, err := kong.New(&c, kong.Name("prove"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Description("Try to break the promises of forebay, and count. See the head of scripts/prove."),
		kong.Exit(func(int) { exited = true }), kong.BindTo(ctx, (*context.Context)(nil)))
	if err != nil {
		return err
	}
	call, err := parser.Parse(args)
	if exited {
		return nil
	}
	if err != nil {
		return err
	}
	p := newProver(c.settings, stdout, stderr)
	return call.Run(p, &c)
}
