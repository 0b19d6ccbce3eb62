// The benchmark behind scripts/bench: how fast forebay is, as ratios to the least that a Go program can do, to one flushed
// publish per request, and to plain JetStream.
//
// What it measures is in rows.go; what of it has a goal, in figure.go. Contestants are processes of their own, on one
// machine in one run. They take turns under the same load, and figures are ratios of their medians: a slow machine, or a
// busy one, is slow for all of them. Begin with benchmark.run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
)

// commands is the command line. The hidden ones are what run starts, as processes of their own.
type commands struct {
	Run    runCommand    `cmd:"" default:"withargs" help:"Measure, and print the table."`
	Report reportCommand `cmd:"" help:"Print the table of what was kept, and write the page and its plots again."`

	Serve   serveCommand   `cmd:"" hidden:""`
	NATS    natsCommand    `cmd:"" hidden:"" name:"nats"`
	Load    loadCommand    `cmd:"" hidden:""`
	Publish publishCommand `cmd:"" hidden:""`
}

type runCommand struct {
	Rows        []string `help:"Measure these rows only: ${rows}." placeholder:"NAME,..."`
	Only        []string `help:"In the rows accept and latency, these contestants only: ${contestants}." placeholder:"NAME,..."`
	Rounds      int      `help:"How often each contestant has its turn." default:"3"`
	Seconds     int      `help:"How long a turn is." default:"4"`
	Connections []int    `help:"Keep-alive connections, each with one delivery at a time." default:"64,16,256"`
	Sizes       []int    `help:"Bytes of a delivery's body." default:"512,8192"`
	Sources     []int    `help:"How many sources the deliveries are for." default:"1,5"`
	Backlog     int      `help:"How many events wait in the row backlog; the others use a share of it." default:"1000000"`
	Short       bool     `help:"A look at every row in about two minutes: one round of a second, and a backlog of 100,000."`
	Long        bool     `help:"The row memory too, with a backlog of ten times as many. Alone, it takes several minutes."`
	Keep        string   `help:"Append what was seen to this file." placeholder:"FILE"`
	JSON        bool     `name:"json" help:"Print what was seen as JSON, one record a line, instead of tables."`

	Forebay string `help:"The forebay program." required:"" type:"existingfile"`
	Dir     string `help:"Where data is kept meanwhile: a folder on a real disk." required:"" type:"existingdir"`
}

// settle makes of --short what it stands for.
func (c *runCommand) settle() {
	if c.Short {
		c.Rounds, c.Seconds, c.Backlog = 1, 1, 100_000
		c.Connections, c.Sizes, c.Sources = c.Connections[:1], c.Sizes[:1], c.Sources[:1]
	}
}

// Validate bounds how long a run takes and how much it writes.
func (c *runCommand) Validate() error {
	for _, f := range []struct {
		name        string
		are         []int
		least, most int
	}{
		{"rounds", []int{c.Rounds}, 1, 50},
		{"seconds", []int{c.Seconds}, 1, 60},
		{"connections", c.Connections, 1, 1024},
		{"sizes", c.Sizes, 384, 64 << 10},
		{"sources", c.Sources, 1, 10_000},
		{"backlog", []int{c.Backlog}, 10_000, 10_000_000},
	} {
		if len(f.are) == 0 || slices.Min(f.are) < f.least || slices.Max(f.are) > f.most {
			return fmt.Errorf("--%s: want %d to %d", f.name, f.least, f.most)
		}
	}
	if _, err := choose(c.Only); err != nil {
		return err
	}
	_, err := chooseRows(c.Rows, c.Long)
	return err
}

// Run prints the tables. It is an error when a delivery was not accepted, or an accepted event is not in the stream.
func (c *runCommand) Run(ctx context.Context, w *world) error {
	c.settle()
	b := &benchmark{runCommand: *c, say: w.stderr}
	seen, err := b.run(ctx)
	if len(seen) == 0 {
		return err
	}
	if c.Keep != "" {
		err = errors.Join(err, seen.keep(c.Keep))
	}
	if c.JSON {
		return errors.Join(err, seen.write(w.stdout))
	}
	seen.print(w.stdout)
	return err
}

// reportCommand makes docs/performance.md and its plots of what was kept.
type reportCommand struct {
	Kept string `arg:"" help:"The file that --keep appended to." type:"existingfile"`
	Docs string `arg:"" help:"The folder of the page and its plots." type:"existingdir"`
}

// Run prints the tables and writes the files.
func (c reportCommand) Run(w *world) error {
	all, err := loadRecords(c.Kept)
	if err != nil {
		return err
	}
	latest := all.latest()
	latest.print(w.stdout)
	return latest.writePage(c.Docs)
}

func (c *runCommand) turn() time.Duration { return time.Duration(c.Seconds) * time.Second }

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
		kong.Vars{"contestants": names(contestants), "rows": rowNames()}, kong.Exit(func(int) { exited = true }),
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
