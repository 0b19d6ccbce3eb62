package main

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

type schemaCommand struct {
	Event    schemaEventCommand    `cmd:"" help:"Print the JSON Schema of an event."`
	AsyncAPI schemaAsyncAPICommand `cmd:"" name:"asyncapi" help:"Print an AsyncAPI document of the stream and the declared consumers."`
	Actions  schemaActionsCommand  `cmd:"" help:"List the actions: what events say that happened."`
}

type schemaEventCommand struct{}

// Run prints the schema as it is, comments of its members and all.
func (*schemaEventCommand) Run(e *environment) error {
	_, err := e.stdout.Write(schema.EventSchema)
	return err
}

type schemaActionsCommand struct {
	JSON bool `help:"Print JSON, one action a line."`
}

// Help is shown by "forebay schema actions --help".
func (*schemaActionsCommand) Help() string {
	return "What no action of these fits is other.NAME, with the provider's own name of it. New actions may come, and none\n" +
		"changes its meaning. The lane and the lifetime are the defaults, which a configuration may change."
}

// An actionRow is an action for programs.
type actionRow struct {
	Action   schema.Action `json:"action"`
	Meaning  string        `json:"meaning"`
	Lane     string        `json:"lane"`
	Lifetime string        `json:"lifetime,omitempty"`
}

// Run lists the actions in the order of the documentation.
func (s *schemaActionsCommand) Run(e *environment) error {
	out := e.screen()
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "ACTION\tLANE\tLIFETIME\tMEANING")
	for _, each := range schema.Actions() {
		row := newActionRow(each)
		if s.JSON {
			if err := out.json(row); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", row.Action, row.Lane, orDash(row.Lifetime), row.Meaning)
	}
	if s.JSON {
		return nil
	}
	return t.Flush()
}

func newActionRow(a schema.ActionInfo) actionRow {
	row := actionRow{Action: a.Action, Meaning: a.Meaning, Lane: "normal"}
	if a.Urgent {
		row.Lane = "urgent"
	}
	if a.Lifetime > 0 {
		row.Lifetime = brevity(a.Lifetime)
	}
	return row
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// brevity writes a duration as the configuration does: 10m, not 10m0s.
func brevity(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

type schemaAsyncAPICommand struct {
	JSON bool `help:"Print JSON instead of YAML."`
}

// Help is shown by "forebay schema asyncapi --help".
func (*schemaAsyncAPICommand) Help() string {
	return "AsyncAPI 3.0: a channel for each action, and one for each consumer of the configuration with the events it is handed.\n" +
		"No broker is asked."
}

// Run describes the stream of the configuration.
func (s *schemaAsyncAPICommand) Run(e *environment) error {
	c, err := e.load(unread)
	if err != nil {
		return err
	}
	text, err := newAPI(c).AsyncAPI()
	if err != nil {
		return err
	}
	if s.JSON {
		text = append(text, '\n')
	} else if text, err = yaml.JSONToYAML(text); err != nil {
		return fmt.Errorf("write YAML: %w", err)
	}
	_, err = e.stdout.Write(text)
	return err
}

func newAPI(c *config.Config) schema.API {
	api := schema.API{
		Broker: brokerHost(c.NATS), Stream: c.Stream.Name, Prefix: c.Stream.Prefix, Lifetimes: c.Stream.Lifetimes,
	}
	for _, s := range c.Sources {
		api.Sources = append(api.Sources, s.Name)
	}
	for _, each := range c.Consumers {
		settings := each.Config()
		settings.Stream = events(c)
		api.Durables = append(api.Durables, schema.Durable{
			Name: each.Name, Subjects: settings.Filters(), Retry: each.Retry, MaxAttempts: each.MaxAttempts,
			MaxAge: each.MaxAge, Job: each.Run,
			Chooses: func(a schema.Action) bool {
				return slices.ContainsFunc(each.Actions, func(p string) bool { return consumer.Matches(p, a) })
			},
		})
	}
	return api
}

// brokerHost is where consumers connect: of several servers the first.
func brokerHost(n config.NATS) string {
	if !n.External() {
		return n.Listen
	}
	first, _, _ := strings.Cut(n.URL, ",")
	if u, err := url.Parse(strings.TrimSpace(first)); err == nil && u.Host != "" {
		return u.Host
	}
	return strings.TrimSpace(first)
}
