// Command forebay takes the signed webhooks of identity providers and puts every event on a NATS JetStream stream.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
	"github.com/lmittmann/tint"
	"golang.org/x/term"

	"github.com/forebayhq/forebay/config"
)

// commands is the command line.
type commands struct {
	Config string `help:"Configuration file. Else $FOREBAY_CONFIG, else ./forebay.yaml, else development mode." placeholder:"FILE" type:"path"`

	Serve      serveCommand      `cmd:"" help:"Take webhooks and publish their events."`
	Send       sendCommand       `cmd:"" help:"Send a signed, realistic delivery, as a provider does."`
	Tail       tailCommand       `cmd:"" help:"Print events as they arrive."`
	Show       showCommand       `cmd:"" help:"Print one event whole."`
	Quarantine quarantineCommand `cmd:"" help:"List, print and release deliveries that were verified and could not be read."`
	Consumers  consumersCommand  `cmd:"" help:"Show how the consumers are doing, and delete durables that are left over."`
	Dead       deadCommand       `cmd:"" help:"List, print, redrive and drop dead letters."`
	Replay     replayCommand     `cmd:"" help:"Give stored events to one consumer, to a URL, or print them."`
	Check      checkCommand      `cmd:"" help:"Check the configuration, the broker and each source."`
	Schema     schemaCommand     `cmd:"" help:"Print the schema of events, an AsyncAPI document, and the actions."`
	Seal       sealCommand       `cmd:"" help:"Make a key for sealed members, and open them."`
	Completion completionCommand `cmd:"" help:"Print what your shell needs to complete the commands of forebay."`
	Version    versionCommand    `cmd:"" help:"Print the version."`
}

// Exit codes: 0 done, 1 it did not work, 2 the call or the configuration is wrong.
const (
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	code := run(ctx, os.Args[1:], os.Getenv, os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the whole program: arguments in, exit code out.
func run(ctx context.Context, args []string, getenv func(string) string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c commands
	e := &environment{getenv: getenv, stdin: stdin, stdout: stdout, stderr: stderr, log: newLog(stderr)}
	exited := -1 // kong exits after --help
	parser, err := kong.New(&c, kong.Name("forebay"),
		kong.Description("Signed webhooks of identity providers in, durable events on NATS JetStream out."),
		kong.UsageOnError(), kong.Writers(stdout, stderr), kong.Exit(func(code int) { exited = code }),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(e))
	if err != nil {
		fmt.Fprintln(stderr, "forebay:", err)
		return exitFailed
	}
	call, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		parser.FatalIfErrorf(err)
		return exitUsage
	}
	e.configFlag = c.Config
	return e.exitCode(call.Run())
}

// An environment is what a command may use of the world around it.
type environment struct {
	getenv         func(string) string
	stdin          io.Reader
	stdout, stderr io.Writer
	log            *slog.Logger
	configFlag     string
}

// errUsage marks an error of the call or the configuration.
var errUsage = errors.New("usage")

func (e *environment) exitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(e.stderr, "forebay:", err)
		return exitUsage
	default:
		fmt.Fprintln(e.stderr, "forebay:", err)
		return exitFailed
	}
}

// A usageError is printed without the mark.
type usageError struct{ error }

func (usageError) Is(target error) bool { return target == errUsage }
func (u usageError) Unwrap() error      { return u.error }

// config finds and loads the configuration, and logs what it warns of.
func (e *environment) config() (*config.Config, error) {
	c, err := e.load(shared)
	if err != nil {
		return nil, err
	}
	for _, w := range c.Warnings {
		e.log.Warn("configuration", "err", w)
	}
	return c, nil
}

// Secrets says what a command does with the secrets of sources.
type secrets int

const (
	unread secrets = iota // it neither signs nor verifies: they need not be there
	own                   // it signs for itself, or makes providers: in development mode with secrets of its own
	shared                // it meets who else signs or verifies
)

// load finds and loads the configuration, without its warnings, which are for those who run and check forebay.
func (e *environment) load(s secrets) (c *config.Config, err error) {
	if path, ok := config.Find(e.configFlag, e.getenv); ok {
		c, err = config.Load(path, config.Options{
			Getenv: e.getenv, Providers: providerNames(), Jobs: jobNames(), NoSecrets: s == unread,
		})
	} else {
		c, err = develop(s == shared)
	}
	if err != nil {
		return nil, usageError{err}
	}
	return c, nil
}

// newLog writes for people on a terminal and JSON elsewhere.
func newLog(w io.Writer) *slog.Logger {
	if isTerminal(w) {
		return slog.New(tint.NewTextHandler(w, &tint.Options{TimeFormat: "15:04:05.000"}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: spell}))
}

// spell writes durations with their unit, "1.2ms": slog's JSON has nanoseconds, which nothing says.
func spell(_ []string, a slog.Attr) slog.Attr {
	if a.Value.Kind() == slog.KindDuration {
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
