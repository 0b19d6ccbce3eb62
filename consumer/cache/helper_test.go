package cache_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

func TestMain(m *testing.M) {
	logging.Disable() // the client's own lines on standard error; its errors reach the job
	goleak.VerifyTestMain(m)
}

// start makes the job and runs it until the test ends.
func start(t testing.TB, options string, more ...func(*consumer.JobConfig)) consumer.Job {
	t.Helper()
	c := consumer.JobConfig{Consumer: "cache", Options: consumertest.YAML(options)}
	for _, f := range more {
		f(&c)
	}
	job, err := cache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	consumertest.Background(t, job.Run)
	return job
}

// event is a message of an action with these further members.
func event(a schema.Action, members string) *consumer.Message {
	body := fmt.Sprintf(`{"id":"e1","action":%q,"source":"ssofy"`, a)
	if members != "" {
		body += "," + members
	}
	return &consumer.Message{Event: schema.Event{ID: "e1", Action: a}, Body: []byte(body + "}"), Attempt: 1}
}

func handle(t testing.TB, job consumer.Job, m *consumer.Message) {
	t.Helper()
	if err := job.Handle(t.Context(), m); err != nil {
		t.Fatalf("%s: %v", m.Event.Action, err)
	}
}

func set(t testing.TB, c redis.UniversalClient, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := c.Set(t.Context(), key, "1", 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

// want compares all keys of a server.
func want(t testing.TB, c redis.UniversalClient, keys ...string) {
	t.Helper()
	got, err := c.Keys(t.Context(), "*").Result()
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if !slices.Equal(got, keys) {
		t.Errorf("keys are\n\t%s\nwant\n\t%s", strings.Join(got, " "), strings.Join(keys, " "))
	}
}
