package command

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

const long = time.Minute // longer than anything takes that goes right

// config is a job's configuration with these options over the defaults.
func config(o Options) consumer.JobConfig {
	return consumer.JobConfig{Consumer: "crm", Options: consumertest.Overlay(o)}
}

// shell runs a script of sh with arguments $1, $2, …
func shell(script string, args ...string) Options {
	return Options{Argv: append([]string{"sh", "-c", script, "sh"}, args...)}
}

func newJob(t testing.TB, o Options) consumer.Job {
	t.Helper()
	j, err := New(config(o))
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// encode puts an event on the wire whose user's ID is what a shell should not see.
func encode(t testing.TB, id string) schema.Message {
	t.Helper()
	return consumertest.UserCreated(t, id, "$(touch x) \"Zoë\"\nY=1\x00Z")
}

func message(t testing.TB) *consumer.Message {
	t.Helper()
	return consumertest.SecondAttempt(t, encode(t, "1; exit 9"))
}
