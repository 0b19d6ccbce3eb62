package command

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

const trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

const long = time.Minute // longer than anything takes that goes right

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// config is a job's configuration with these options over the defaults.
func config(o Options) consumer.JobConfig {
	return consumer.JobConfig{
		Consumer: "crm",
		Options: func(into any) error {
			overlay(reflect.ValueOf(into).Elem(), reflect.ValueOf(o))
			return nil
		},
	}
}

// overlay sets the fields that are not zero, as a decoder does with the keys that are written.
func overlay(into, from reflect.Value) {
	for i := range from.NumField() {
		if !from.Field(i).IsZero() {
			into.Field(i).Set(from.Field(i))
		}
	}
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

// encode puts an event on the wire whose members are what a shell should not see.
func encode(t testing.TB, id string) schema.Message {
	t.Helper()
	m, err := schema.Wire{Prefix: "identity"}.Encode(schema.Event{
		ID: id, Action: "user.created", Source: "ssofy", Provider: "ssofy", Native: "user_created",
		Time: noon, Received: noon, User: &schema.User{ID: "$(touch x) \"Zoë\"\nY=1\x00Z"}, Payload: json.RawMessage(`{"a":  1}`),
	}, trace)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func message(t testing.TB) *consumer.Message {
	t.Helper()
	m := encode(t, "1; exit 9")
	e, err := schema.Parse(m.Subject, m.Header.Map(), m.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &consumer.Message{
		Event: e, Subject: m.Subject, Header: m.Header.Map(), Body: m.Body,
		Seq: 7, Stored: noon, Attempt: 2, MaxAttempts: 6, Traceparent: trace,
	}
}

// kind is the verdict that an error leads to. The types behind Permanent and After are the consumer's own, so they are
// told by name.
func kind(err error) string {
	name := fmt.Sprintf("%T", err)
	switch {
	case err == nil:
		return "ack"
	case strings.HasSuffix(name, ".permanentError"):
		return "permanent"
	case strings.HasSuffix(name, ".afterError"):
		return "after " + time.Duration(reflect.ValueOf(err).FieldByName("delay").Int()).String()
	}
	return "retry"
}

// A journal is what was logged.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

func (j *journal) log() *slog.Logger {
	return slog.New(slog.NewJSONHandler(j, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-tick.C
	}
}
