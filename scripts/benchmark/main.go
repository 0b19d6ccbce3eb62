// The benchmark behind scripts/bench: what forebay accepts, as ratios to the least that a Go program can do and to one
// flushed publish per request.
//
// Contestants are processes of their own, on one machine in one run. They take turns under the same load, and figures
// are ratios of their medians: a slow machine, or a busy one, is slow for all of them. Begin with benchmark.run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// commands is the command line. All but run are what run starts, as processes of their own.
type commands struct {
	Run   runCommand   `cmd:"" default:"withargs" help:"Run the contestants in turn, and print the table."`
	Serve serveCommand `cmd:"" hidden:""`
	Load  loadCommand  `cmd:"" hidden:""`
}

type runCommand struct {
	Rounds      int      `help:"How often each contestant has its turn." default:"3"`
	Seconds     int      `help:"How long a turn is." default:"4"`
	Connections int      `help:"Keep-alive connections, each with one delivery at a time." default:"64"`
	Size        int      `help:"Bytes of a delivery's body." default:"512"`
	Only        []string `help:"Run these contestants only: ${contestants}." placeholder:"NAME,..."`
	JSON        bool     `name:"json" help:"Print JSON instead of tables."`

	Forebay string `help:"The forebay program." required:"" type:"existingfile"`
	Dir     string `help:"Where data is kept meanwhile: a folder on a real disk. It is not removed." required:"" type:"existingdir"`
}

// Validate bounds how long a run takes and how much it writes.
func (c runCommand) Validate() error {
	for _, f := range []struct {
		name           string
		is, least, max int
	}{
		{"rounds", c.Rounds, 1, 50},
		{"seconds", c.Seconds, 1, 60},
		{"connections", c.Connections, 1, 1024},
		{"size", c.Size, 384, 64 << 10},
	} {
		if f.is < f.least || f.is > f.max {
			return fmt.Errorf("--%s: want %d to %d", f.name, f.least, f.max)
		}
	}
	_, err := choose(c.Only)
	return err
}

// Run prints the table. It is an error when a delivery was not accepted, or an accepted event is not in the stream.
func (c runCommand) Run(ctx context.Context, w *world) error {
	b := &benchmark{runCommand: c, say: w.stderr}
	r, err := b.run(ctx)
	if r == nil {
		return err
	}
	if c.JSON {
		err = errors.Join(err, r.printJSON(w.stdout))
	} else {
		r.print(w.stdout)
	}
	return errors.Join(err, r.problems())
}

func (c runCommand) turn() time.Duration { return time.Duration(c.Seconds) * time.Second }

// A world is what a command may use of the world around it.
type world struct{ stdout, stderr io.Writer }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	exited := false // kong exits after --help
	parser, err := kong.New(&commands{}, kong.Name("bench"), kong.Writers(stdout, stderr),
		kong.Vars{"contestants": names(contestants)}, kong.Exit(func(int) { exited = true }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(&world{stdout, stderr}))
	if err != nil {
		return err
	}
	call, err := parser.Parse(args)
	if exited || err != nil {
		return err
	}
	return call.Run()
}
