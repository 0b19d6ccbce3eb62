package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A Consumer is a durable of the stream, which forebay makes and keeps as the file says, and maybe a job that handles
// its events. Without a job a client of yours, in any language, binds to the durable and acknowledges. One that is taken
// out of the file is no longer served; its durable stays on the server until "forebay consumers remove" deletes it.
type Consumer struct {
	// Actions choose the events: otp.requested, user.* for all of a category, "*" for all there are. Default: ["*"].
	Actions []string `yaml:"actions"`
	// Retry says how long after an attempt the next one comes, step by step; the last step repeats. The server keeps the
	// schedule. Each step is at least 10ms. Default: [1s, 5s, 30s, 2m].
	Retry []time.Duration `yaml:"retry"`
	// MaxAttempts is after how many attempts without success an event is a dead letter. Default: 6.
	MaxAttempts int `yaml:"max_attempts"`
	// MaxAge is for jobs: an event that is older is not handed over and becomes a dead letter, reason "expired". So does
	// one whose action has a lifetime (stream.lifetimes) ahead of its end: timeout and 15s, or half of it. 0s means that
	// any other age will do. Default: 0s.
	MaxAge time.Duration `yaml:"max_age"`
	// OrderedBy is for jobs: with user, the events of one user come one at a time and in their order, over retries too,
	// while other users go on. It holds within one forebay. Default: any order.
	OrderedBy string `yaml:"ordered_by"`
	// Parallel is for jobs: how many attempts there are at a time. Default: 16.
	Parallel int `yaml:"parallel"`
	// Timeout is for jobs: how long one attempt may take. Default: 30s.
	Timeout time.Duration `yaml:"timeout"`

	// Run is the job that handles the events; its options stand under a key of its name. Default: none.
	Run string `yaml:"run"`

	// Name is its key under consumers, and the name of its durable.
	Name string `yaml:"-"`
	// Where is "forebay.yaml:12: consumers.otp", to put before errors about it.
	Where string `yaml:"-"`
	// Options decodes the options of the job, as Source.Options does those of a provider. Nil if there are none.
	Options func(into any) error `yaml:"-" json:"-"`
}

// Consumers are consumers in the order of the file.
type Consumers []Consumer

// Has reports whether there is a consumer of that name.
func (s Consumers) Has(name string) bool {
	return slices.ContainsFunc(s, func(c Consumer) bool { return c.Name == name })
}

// Config is what package consumer makes of it. Stream, handler and what belongs to the running program are left to add.
func (c Consumer) Config() consumer.Config {
	return consumer.Config{
		Name: c.Name, Actions: c.Actions, Retry: c.Retry, MaxAttempts: c.MaxAttempts, MaxAge: c.MaxAge,
		OrderedBy: c.OrderedBy, Parallel: c.Parallel, Pending: max(defaultPending, c.Parallel), Timeout: c.Timeout,
	}
}

// defaultPending is how many events of a consumer may be under way, waiting for their next attempt included.
const defaultPending = 4096

func consumerDefaults() Consumer {
	return Consumer{
		Actions:     []string{"*"},
		Retry:       []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute},
		MaxAttempts: 6,
		Parallel:    16,
		Timeout:     30 * time.Second,
	}
}

func (s *Consumers) decodeNode(d *decoder, key string, n ast.Node) {
	for _, e := range d.entries(key, n) {
		c := consumerDefaults()
		c.Name, c.Where = e.name, d.at(e.key, nil).where()
		c.Options = d.withOptions(e, reflect.ValueOf(&c).Elem(), &c.Run, "job")
		*s = append(*s, c)
	}
}

func (d *decoder) checkConsumers(consumers Consumers, jobs []string) {
	for _, c := range consumers {
		key := "consumers." + c.Name
		if c.Run != "" && !slices.Contains(jobs, c.Run) {
			d.fail(key+".run", "unknown job %q; known: %s", c.Run, strings.Join(slices.Sorted(slices.Values(jobs)), ", "))
		}
		d.warnOfActions(key+".actions", c.Actions)
		d.positive(key+".max_attempts", int64(c.MaxAttempts))
		d.positive(key+".parallel", int64(c.Parallel))
		d.positive(key+".timeout", int64(c.Timeout))
		d.checkSchedule(key, c)
		d.warnOfJobless(key, c)
	}
}

// warnOfJobless warns of what is asked of a job where there is none.
func (d *decoder) warnOfJobless(key string, c Consumer) {
	if c.Run != "" {
		return
	}
	none := consumerDefaults()
	for _, setting := range []struct {
		name string
		set  bool
	}{
		{"max_age", c.MaxAge != none.MaxAge}, {"ordered_by", c.OrderedBy != none.OrderedBy},
		{"parallel", c.Parallel != none.Parallel}, {"timeout", c.Timeout != none.Timeout},
	} {
		if setting.set {
			d.warn(key+"."+setting.name, "does nothing without run: it is for jobs, and a client of yours sees to it by itself")
		}
	}
}

// warnOfActions warns of patterns that choose nothing that is known. Actions of the category other are as many as
// providers have names.
func (d *decoder) warnOfActions(key string, patterns []string) {
	for i, pattern := range patterns {
		known := func(a schema.ActionInfo) bool { return consumer.Matches(pattern, a.Action) }
		if !consumer.ValidPattern(pattern) || schema.Action(pattern).Category() == schema.CategoryOther ||
			slices.ContainsFunc(schema.Actions(), known) {
			continue
		}
		d.warn(fmt.Sprintf("%s[%d]", key, i), `%s: no action of the catalogue: "forebay schema actions" lists them`, pattern)
	}
}

// checkSchedule leaves to package consumer what it knows best. It asks key by key, so that the line is that of the key.
func (d *decoder) checkSchedule(key string, c Consumer) {
	if err := (consumer.Config{Name: c.Name}).Check(); err != nil {
		d.fail(key, "want a name of 1 to 64 letters, digits, _ and -")
		return
	}
	for _, list := range []struct {
		name  string
		empty bool
	}{{"actions", len(c.Actions) == 0}, {"retry", len(c.Retry) == 0}} {
		if list.empty {
			d.fail(key+"."+list.name, "is an empty list: leave the key out for the default")
		}
	}
	for _, part := range []struct {
		name   string
		config consumer.Config
	}{
		{"actions", consumer.Config{Actions: c.Actions}},
		{"retry", consumer.Config{Retry: c.Retry}},
		{"ordered_by", consumer.Config{OrderedBy: c.OrderedBy}},
	} {
		part.config.Name = c.Name
		if err := part.config.Check(); err != nil {
			text := strings.TrimPrefix(err.Error(), fmt.Sprintf("consumer %s: ", c.Name))
			d.fail(key+"."+part.name, "%s", strings.TrimPrefix(text, part.name+": "))
		}
	}
}
