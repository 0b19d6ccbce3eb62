// Command conformance drives a consumer program, in any language, through the cases that matter, and prints a table.
//
//	go build -o forebay ./cmd/forebay
//	go run ./examples/conformance --forebay ./forebay -- node consumer.js
//
// It starts forebay with its embedded NATS server, starts the program, gives it events, and looks at what it does: the
// program's work is to call a service, and the service is this kit. examples/README.md says what a program is given and
// what it must do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "conformance:", err)
		os.Exit(1)
	}
}

// run checks one program. An error is that the kit could not do its work, or that the program failed a case.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	var o options
	flags := flag.NewFlagSet("conformance", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.forebay, "forebay", "forebay", "the forebay `program`")
	flags.StringVar((*string)(&o.kind), "kind", string(client), "client, webhook or command: how the program gets events")
	flags.StringVar(&o.name, "name", "", "what to call the `program`; default: its arguments")
	flags.DurationVar(&o.patience, "patience", 30*time.Second, "how long any one thing may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.argv = flags.Args(); len(o.argv) == 0 || !o.kind.valid() {
		return errors.New("want: conformance [--kind client|webhook|command] -- PROGRAM ARGUMENT…")
	}
	if o.name == "" {
		o.name = strings.Join(o.argv, " ")
	}
	var err error
	if o.forebay, err = filepath.Abs(o.forebay); err != nil {
		return err
	}
	o.environ = environ
	return check(ctx, o, stdout)
}

// check runs all cases, prints the table, and leaves nothing behind.
func check(ctx context.Context, o options, stdout io.Writer) (err error) {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	k, err := newKit(ctx, o, dir)
	if err != nil {
		return err
	}
	defer k.close()
	begin := time.Now()
	if err := k.run(ctx); err != nil {
		return fmt.Errorf("%w\n%s", err, k.logs())
	}
	if failed := printTable(stdout, o.name, k.cases, time.Since(begin)); failed > 0 {
		return fmt.Errorf("%s failed %d of %d cases\n%s", o.name, failed, len(k.cases), k.logs())
	}
	return nil
}
