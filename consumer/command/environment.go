package command

import (
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// command is one run of the program.
func (j *job) command(m *consumer.Message) *exec.Cmd {
	return &exec.Cmd{
		Path: j.path, Args: j.options.Argv, Dir: string(j.options.Dir),
		Env: append(slices.Clip(j.environment), j.attributes(m)...),
	}
}

// environment is what every run gets: the allowed part of what a child would inherit, and what is configured.
func (o Options) environment() []string {
	allowed := append([]string{"PATH", "HOME", "LANG"}, o.Inherit...)
	env := []string{} // not nil, which would mean everything
	for _, entry := range (&exec.Cmd{}).Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, replaced := o.Env[name]; !replaced && slices.Contains(allowed, name) {
			env = append(env, entry)
		}
	}
	for name, value := range o.Env {
		env = append(env, name+"="+value)
	}
	return env
}

// attributes are the variables of one attempt. What does not apply is left out.
func (j *job) attributes(m *consumer.Message) []string {
	var env []string
	add := func(name, value string) {
		if value != "" {
			env = append(env, name+"="+strings.ReplaceAll(value, "\x00", "\uFFFD")) // NUL ends a variable
		}
	}
	e := &m.Event
	add("FOREBAY_ID", e.ID)
	add("FOREBAY_ACTION", string(e.Action))
	add("FOREBAY_NATIVE", e.Native)
	add("FOREBAY_OUTCOME", string(e.Outcome))
	add("FOREBAY_SOURCE", e.Source)
	add("FOREBAY_PROVIDER", e.Provider)
	add("FOREBAY_TIME", e.Time.Format(time.RFC3339Nano))
	add("FOREBAY_RECEIVED", e.Received.Format(time.RFC3339Nano))
	if e.User != nil {
		add("FOREBAY_USER", e.User.ID)
	}
	add("FOREBAY_SUBJECT", m.Subject)
	add("FOREBAY_SEQ", strconv.FormatUint(m.Seq, 10))
	add("FOREBAY_CONSUMER", j.consumer)
	add("FOREBAY_ATTEMPT", strconv.Itoa(m.Attempt))
	add("FOREBAY_MAX_ATTEMPTS", strconv.Itoa(m.MaxAttempts))
	if m.ReplayOf != 0 {
		add("FOREBAY_REPLAY_OF", strconv.FormatUint(m.ReplayOf, 10))
	}
	add("TRACEPARENT", m.Traceparent)
	return env
}
