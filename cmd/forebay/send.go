package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

type sendCommand struct {
	Provider string      `arg:"" optional:"" help:"A provider, or the name of a configured source."`
	Action   string      `arg:"" optional:"" help:"A native action of the provider (otp_requested), or ours (otp.requested)."`
	To       string      `help:"Call this URL. Without a path: that of the source. Default: the configured listener." placeholder:"URL"`
	Listener string      `help:"Where the configured listener is reached from here. Else $FOREBAY_LISTENER, else on this machine." placeholder:"HOST:PORT"`
	Count    int         `short:"n" default:"1" help:"How many deliveries, each with an ID of its own."`
	Source   string      `help:"The source whose secret and path are used, where the provider has several." placeholder:"NAME"`
	Secret   string      `help:"Sign with this secret instead of the configured one." placeholder:"SECRET"`
	Rate     config.Rate `help:"How many to send, such as 50/s. Default: a little less than limits.rate lets through." placeholder:"RATE"`
	Print    bool        `help:"Print the deliveries as HTTP text and send nothing." aliases:"dry-run" xor:"how"`
	List     bool        `help:"List the native actions and what they become." xor:"how"`
	JSON     bool        `help:"Print JSON, one answer a line."`
}

// Help is shown by "forebay send --help".
func (*sendCommand) Help() string {
	return "Source, secret and path come from the configuration; in development mode serve has made them.\n" +
		"The exit code is 0 if every delivery was answered with a success."
}

// Run sends deliveries and prints the answers.
func (s *sendCommand) Run(ctx context.Context, e *environment) error {
	if s.List {
		return s.list(e)
	}
	switch {
	case s.Provider == "" || s.Action == "":
		return usageError{errors.New("send: want PROVIDER and ACTION: send --list names them")}
	case s.Count < 1:
		return usageError{errors.New("send: -n counts from 1")}
	}
	c, err := s.config(e)
	if err != nil {
		return err
	}
	s.Listener = cmp.Or(s.Listener, e.getenv("FOREBAY_LISTENER"))
	t, err := s.target(c)
	if err != nil {
		return usageError{fmt.Errorf("send: %w", err)}
	}
	native, err := t.native(s.Action)
	if err != nil {
		return usageError{fmt.Errorf("send: %w", err)}
	}
	if s.Print {
		return t.print(e.stdout, native, s.Count)
	}
	all := sending{target: t, native: native, count: s.Count, pace: s.pace(c), report: s.report(e)}
	return all.run(ctx)
}

// config is that of the file or of development mode, or nothing where neither is there and the call says it all: no
// development secrets shall be made for somebody else's listener.
func (s *sendCommand) config(e *environment) (*config.Config, error) {
	if _, ok := config.Find(e.configFlag, e.getenv); !ok && s.To != "" && s.Secret != "" {
		return &config.Config{}, nil
	}
	return e.load(shared)
}

func (s *sendCommand) report(e *environment) *report {
	return &report{out: e.screen(), progress: e.screenOn(e.stderr), json: s.JSON, count: s.Count}
}

// native gives the documented native action of a name, or the first that becomes it.
func (t *target) native(name string) (provider.Native, error) {
	natives := t.sampler.Natives()
	i := slices.IndexFunc(natives, func(n provider.Native) bool { return n.Name == name })
	if i < 0 {
		i = slices.IndexFunc(natives, func(n provider.Native) bool { return n.Action == schema.Action(name) })
	}
	if i < 0 {
		names := make([]string, len(natives))
		for i, n := range natives {
			names[i] = n.Name
		}
		return provider.Native{}, fmt.Errorf("%s documents no %q; it has\n  %s",
			t.source.Provider, name, strings.Join(names, "\n  "))
	}
	return natives[i], nil
}

// list prints what can be sent: from all sources, or from those that PROVIDER names.
func (s *sendCommand) list(e *environment) error {
	c, err := e.load(own)
	if err != nil {
		return err
	}
	found := false
	for _, source := range c.Sources {
		if s.Provider != "" && s.Provider != source.Provider && s.Provider != source.Name {
			continue
		}
		found = true
		if err := s.listSource(e.screen(), source); err != nil {
			return err
		}
	}
	if !found {
		return usageError{fmt.Errorf("send: no source is, or is of, %q; there are: %s",
			s.Provider, sourceNames(c.Sources))}
	}
	return nil
}

// A nativeRow is what the provider of a source documents, and what it becomes.
type nativeRow struct {
	Source   string        `json:"source"`
	Provider string        `json:"provider"`
	Native   string        `json:"native"`
	Action   schema.Action `json:"action"`
}

func (s *sendCommand) listSource(out screen, source config.Source) error {
	p, err := newProvider(source)
	if err != nil {
		return usageError{err}
	}
	sampler, ok := p.(provider.Sampler)
	if !ok {
		return nil
	}
	for _, n := range sampler.Natives() {
		row := nativeRow{source.Name, source.Provider, n.Name, n.Action}
		if s.JSON {
			err = out.json(row)
		} else {
			_, err = fmt.Fprintf(out, "%-12s %-32s %s\n", row.Source, row.Native, out.paint(cyan, string(row.Action)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
