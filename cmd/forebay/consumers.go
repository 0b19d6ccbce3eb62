package main

import (
	"context"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
)

type consumersCommand struct {
	JSON bool `help:"Print JSON, one consumer a line."`
}

// Help is shown by "forebay consumers --help".
func (*consumersCommand) Help() string {
	return `Every durable of the stream, whoever made it:

LAG        events that were never handed over
IN FLIGHT  handed over and not answered, waiting for their next attempt included
ATTEMPTS   hand-overs since the durable was made
RETRIED    events that had a second attempt and are not done, dead ones included
OLDEST     since when the oldest event waits that is not done
LAST TRY   when an event was handed over last
DEAD       dead letters: see "forebay dead"
LAST ERROR why the youngest dead letter is one`
}

// Run prints how the consumers are doing.
func (l *consumersCommand) Run(ctx context.Context, e *environment) error {
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	all, err := consumer.Statuses(ctx, w.js, w.events)
	if err != nil {
		return err
	}
	if l.JSON {
		return l.json(e.screen(), all)
	}
	if len(all) == 0 {
		fmt.Fprintln(e.stderr, "no consumers: add some to the configuration")
		return nil
	}
	return l.table(e.screen(), all)
}

// An outside is the stream with its dead letters, as a client sees it.
type outside struct {
	*client
	config *config.Config
	events consumer.Stream
}

// openOutside connects. The stream must exist.
func openOutside(ctx context.Context, e *environment) (*outside, error) {
	c, err := e.loadQuietly()
	if err != nil {
		return nil, err
	}
	client, err := connect(ctx, c, e.log)
	if err != nil {
		return nil, err
	}
	if _, err := client.stream(ctx, c.Stream.Name); err != nil {
		client.close()
		return nil, err
	}
	return &outside{client, c, events(c)}, nil
}

// A consumerRow is what consumers prints for programs.
type consumerRow struct {
	Consumer    string    `json:"consumer"`
	Actions     []string  `json:"actions"`
	Lag         uint64    `json:"lag"`
	InFlight    int       `json:"in_flight"`
	Attempts    uint64    `json:"attempts"`
	Retried     int       `json:"retried"`
	Clients     int       `json:"clients"`         // requests for events that wait
	Oldest      time.Time `json:"oldest,omitzero"` // when it was stored
	LastAttempt time.Time `json:"last_attempt,omitzero"`
	MaxAttempts int       `json:"max_attempts"` // 0: without end
	Dead        uint64    `json:"dead"`
	LastError   string    `json:"last_error,omitempty"`
	LastDead    time.Time `json:"last_dead,omitzero"`
}

func (*consumersCommand) json(out screen, all []consumer.Status) error {
	for _, s := range all {
		err := out.json(consumerRow{
			s.Name, s.Actions, s.Lag, s.InFlight, s.Attempts, s.Redelivered, s.Clients, s.Oldest, s.LastAttempt, s.MaxAttempts,
			s.Dead, s.LastError, s.LastDead,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (*consumersCommand) table(out screen, all []consumer.Status) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CONSUMER\tACTIONS\tLAG\tIN FLIGHT\tATTEMPTS\tRETRIED\tOLDEST\tLAST TRY\tDEAD\tLAST ERROR")
	for _, s := range all {
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%s\n", printable(s.Name), printable(brief(s.Actions)), s.Lag, s.InFlight,
			s.Attempts, s.Redelivered, moment(s.Oldest), moment(s.LastAttempt), s.Dead, printable(s.LastError))
	}
	return t.Flush()
}

// brief names the first two actions and how many others there are.
func brief(actions []string) string {
	if len(actions) > 3 {
		return fmt.Sprintf("%s,%s +%d", actions[0], actions[1], len(actions)-2)
	}
	return strings.Join(actions, ",")
}
