package usersync_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/consumer/usersync"
	"github.com/forebayhq/forebay/schema"
)

// A world is the job, its schema, and an application that reads it.
type world struct {
	t      testing.TB
	schema string
	job    consumer.Job
	app    *pgx.Conn
	seq    uint64
}

// base is the time of the first event.
var base = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newWorld(t testing.TB, options string) *world {
	t.Helper()
	return newWorldWith(t, options, func(*consumer.JobConfig) {})
}

func newWorldWith(t testing.TB, options string, more func(*consumer.JobConfig)) *world {
	t.Helper()
	w := &world{t: t, schema: schemaName(t)}
	w.job = w.start(options, more)
	w.connect()
	return w
}

// connect is the application's connection.
func (w *world) connect() {
	w.t.Helper()
	app, err := pgx.Connect(w.t.Context(), server.URL())
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { app.Close(context.Background()) })
	w.app = app
}

// start makes the job and runs it until the test ends.
func (w *world) start(options string, more func(*consumer.JobConfig)) consumer.Job {
	w.t.Helper()
	c := consumer.JobConfig{
		Consumer: "usersync",
		Options:  consumertest.YAML(fmt.Sprintf("url: %s\nschema: %s\n", server.URL(), w.schema) + cheap(options)),
	}
	more(&c)
	job, err := usersync.New(c)
	if err != nil {
		w.t.Fatal(err)
	}
	consumertest.Background(w.t, job.Run)
	return job
}

// cheap makes hashing quick where the test does not say how it is to be.
func cheap(options string) string {
	if strings.Contains(options, "argon2id") {
		return options
	}
	return options + "\nargon2id: {memory: 64, passes: 1}\n"
}

// event is a message of an action about a user, a number of seconds after base.
func (w *world) event(a schema.Action, second int, user *schema.User, more ...func(*schema.Event)) *consumer.Message {
	w.seq++
	at := base.Add(time.Duration(second) * time.Second)
	e := schema.Event{
		ID: fmt.Sprintf("e%d", w.seq), Action: a, Source: "staff", Provider: "ssofy", Native: "native", Time: at, Received: at,
		Outcome: schema.Success, Semantics: schema.Notice, User: user, Payload: json.RawMessage(`{"native":true}`),
	}
	for _, f := range more {
		f(&e)
	}
	return &consumer.Message{Event: e, Seq: w.seq, Attempt: 1, MaxAttempts: 6}
}

func changes(names ...string) func(*schema.Event) {
	return func(e *schema.Event) { e.Changes = names }
}

func (w *world) handle(m *consumer.Message) {
	w.t.Helper()
	if err := w.job.Handle(w.t.Context(), m); err != nil {
		w.t.Fatalf("%s: %v", m.Event.Action, err)
	}
}

// refused handles an event that is to become a dead letter, and gives the reason.
func (w *world) refused(m *consumer.Message) string {
	w.t.Helper()
	err := w.job.Handle(w.t.Context(), m)
	if consumertest.Verdict(err) != "permanent" {
		w.t.Fatalf("%s: %v, want a permanent error", m.Event.Action, err)
	}
	return err.Error()
}

func user(id string, more ...func(*schema.User)) *schema.User {
	u := &schema.User{ID: id}
	for _, f := range more {
		f(u)
	}
	return u
}

func email(s string) func(*schema.User)    { return func(u *schema.User) { u.Email = &s } }
func username(s string) func(*schema.User) { return func(u *schema.User) { u.PreferredUsername = &s } }
func nickname(s string) func(*schema.User) { return func(u *schema.User) { u.Nickname = &s } }
func phone(s string) func(*schema.User)    { return func(u *schema.User) { u.PhoneNumber = &s } }

func password(raw string) func(*schema.User) {
	return func(u *schema.User) { u.Password = json.RawMessage(raw) }
}

func custom(name, raw string) func(*schema.User) {
	return func(u *schema.User) {
		if u.Custom == nil {
			u.Custom = map[string]json.RawMessage{}
		}
		u.Custom[name] = json.RawMessage(raw)
	}
}

// query gives what a statement selects, as text: columns by commas, rows by lines, null as "-".
func (w *world) query(statement string, args ...any) string {
	w.t.Helper()
	rows, err := w.app.Query(w.t.Context(), strings.ReplaceAll(statement, "{schema}", pgx.Identifier{w.schema}.Sanitize()), args...)
	if err != nil {
		w.t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (string, error) {
		values, err := r.Values()
		var line []string
		for _, v := range values {
			switch v := v.(type) {
			case nil:
				line = append(line, "-")
			case time.Time:
				line = append(line, v.UTC().Format("15:04:05"))
			case map[string]any, []any:
				text, _ := json.Marshal(v)
				line = append(line, string(text))
			default:
				line = append(line, fmt.Sprint(v))
			}
		}
		return strings.Join(line, ","), err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

func (w *world) want(want, statement string) {
	w.t.Helper()
	if got := w.query(statement); got != want {
		w.t.Errorf("%s:\n got %s\nwant %s", statement, got, want)
	}
}
