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
	List   consumersListCommand   `cmd:"" default:"withargs" help:"Show how the consumers are doing; this is what consumers alone does."`
	Remove consumersRemoveCommand `cmd:"" help:"Delete a durable that the configuration does not name any more."`
}

// Help is shown by "forebay consumers --help", which is a short way to say list.
func (*consumersCommand) Help() string { return (&consumersListCommand{}).Help() }

type consumersListCommand struct {
	JSON bool `help:"Print JSON, one consumer a line."`
}

// Help is shown by "forebay consumers list --help".
func (*consumersListCommand) Help() string {
	return `Every durable of the stream, whoever made it:

    LAG         events that were never handed over
    IN FLIGHT   handed over and not answered, waiting for their next attempt included
    ATTEMPTS    hand-overs since the durable was made
    RETRIED     events that had a second attempt and are not done
    OLDEST      since when the oldest event waits that is not done
    LAST TRY    when an event was handed over last
    DEAD        dead letters: see "forebay dead"
    LAST ERROR  when and why something went wrong last

The last error is that of an attempt by the forebay that runs on this machine, even if the event was handled since, or the
youngest dead letter's. An event whose attempts a client left unanswered to the end stays among the retried.

A durable marked with * is not in this configuration: another forebay's or your own, or one that was taken out. Then
events are counted for it as long as it is there: "forebay consumers remove" deletes it.`
}

// Run prints how the consumers are doing.
func (l *consumersListCommand) Run(ctx context.Context, e *environment) error {
	w, err := openOutside(ctx, e)
	if err != nil {
		return err
	}
	defer w.close()
	all, err := consumer.Statuses(ctx, w.js, w.events)
	if err != nil {
		return err
	}
	failures := runningFailures(ctx, w.config)
	if l.JSON {
		return l.json(w.config, e.screen(), all, failures)
	}
	if len(all) == 0 {
		fmt.Fprintln(e.stderr, "no consumers: add some to the configuration")
		return nil
	}
	return l.table(w.config, e.screen(), all, failures)
}

// An outside is the stream with its dead letters, as a client sees it.
type outside struct {
	*client
	config *config.Config
	events consumer.Stream
}

// openOutside connects. The stream must exist.
func openOutside(ctx context.Context, e *environment) (*outside, error) {
	c, err := e.load(unread)
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
	LastFailure time.Time `json:"last_failure,omitzero"` // when that error was
	LastDead    time.Time `json:"last_dead,omitzero"`    // of the youngest dead letter
	Undeclared  bool      `json:"undeclared,omitempty"`  // the configuration does not name it
}

func (*consumersListCommand) json(c *config.Config, out screen, all []consumer.Status, f failures) error {
	for _, s := range all {
		failed, why := f.last(s)
		err := out.json(consumerRow{
			s.Name, s.Actions, s.Lag, s.InFlight, s.Attempts, s.Redelivered, s.Clients, s.Oldest, s.LastAttempt, s.MaxAttempts,
			s.Dead, why, failed, s.LastDead, !c.Consumers.Has(s.Name),
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (*consumersListCommand) table(c *config.Config, out screen, all []consumer.Status, f failures) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "CONSUMER\tACTIONS\tLAG\tIN FLIGHT\tATTEMPTS\tRETRIED\tOLDEST\tLAST TRY\tDEAD\tLAST ERROR")
	for _, s := range all {
		failed, why := f.last(s)
		if why != "" {
			why = moment(failed) + " " + printable(shorten(why))
		}
		name := printable(s.Name)
		if !c.Consumers.Has(s.Name) {
			name += " *"
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%d\t%d\t%d\t%s\t%s\t%d\t%s\n", name, printable(brief(s.Actions)), s.Lag, s.InFlight,
			s.Attempts, s.Redelivered, moment(s.Oldest), moment(s.LastAttempt), s.Dead, why)
	}
	return t.Flush()
}

// errorWidth is how many characters of an error the table shows. JSON has all.
const errorWidth = 100

func shorten(text string) string {
	if r := []rune(text); len(r) > errorWidth {
		return string(r[:errorWidth-1]) + "…"
	}
	return text
}

// brief names the first two actions and how many others there are.
func brief(actions []string) string {
	if len(actions) > 3 {
		return fmt.Sprintf("%s,%s +%d", actions[0], actions[1], len(actions)-2)
	}
	return strings.Join(actions, ",")
}
