package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/cache"
	"github.com/forebayhq/forebay/schema"
)

func TestMain(m *testing.M) {
	logging.Disable() // the client's own lines on standard error; its errors reach the job
	goleak.VerifyTestMain(m)
}

// strict decodes options as the configuration does.
func strict(text string) func(any) error {
	return func(into any) error {
		return yaml.NewDecoder(bytes.NewReader([]byte(text)), yaml.Strict()).Decode(into)
	}
}

// start makes the job and runs it until the test ends.
func start(t testing.TB, options string, more ...func(*consumer.JobConfig)) consumer.Job {
	t.Helper()
	c := consumer.JobConfig{Consumer: "cache", Options: strict(options)}
	for _, f := range more {
		f(&c)
	}
	job, err := cache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	background(t, job.Run)
	return job
}

func background(t testing.TB, f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- f(ctx) }()
	t.Cleanup(sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("stop: %v", err)
		}
	}))
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

// permanent compares with what consumer.Permanent makes.
func permanent(err error) bool {
	want := fmt.Sprintf("%T", consumer.Permanent(errors.New("")))
	for ; err != nil; err = errors.Unwrap(err) {
		if fmt.Sprintf("%T", err) == want {
			return true
		}
	}
	return false
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
