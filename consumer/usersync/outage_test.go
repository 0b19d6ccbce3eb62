package usersync_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// Processes that start together migrate once.
func TestMigrateTogether(t *testing.T) {
	w := newWorld(t, "")
	var together sync.WaitGroup
	for i := range 8 {
		job := w.start("", func(*consumer.JobConfig) {})
		m := w.event("user.created", i, user(fmt.Sprint(i)))
		together.Go(func() {
			if err := job.Handle(t.Context(), m); err != nil {
				t.Error(err)
			}
		})
	}
	together.Wait()
	w.want("8", `SELECT count(*) FROM {schema}.users`)
	w.want("1,0001_users", `SELECT version, name FROM {schema}.migrations`)
}

// A user without the right to make anything is enough once the tables are there.
func TestLeastPrivilege(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1")))
	role := w.schema + "_app"
	for _, statement := range []string{
		`CREATE ROLE ` + role + ` LOGIN`, `GRANT USAGE ON SCHEMA {schema} TO ` + role,
		`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO ` + role,
	} {
		w.query(statement)
	}
	least := w.start("", func(c *consumer.JobConfig) {
		c.Options = consumertest.YAML(fmt.Sprintf("url: postgres://%s@127.0.0.1:%d/postgres\nschema: %s\n", role, server.Port, w.schema))
	})
	if err := least.Handle(t.Context(), w.event("user.deleted", 1, user("1"))); err != nil {
		t.Fatal(err)
	}
	w.want("deleted", `SELECT status FROM {schema}.users`)
}

// A server that is away costs attempts and no events: nothing is lost, nothing is applied twice, although it crashes
// under load.
func TestServerCrashesUnderLoad(t *testing.T) {
	w := newWorld(t, "connections: 4")
	w.handle(w.event("user.created", 0, user("0")))
	w.query(`CREATE TABLE {schema}.audit (id text)`)
	w.query(`CREATE FUNCTION {schema}.audit() RETURNS trigger LANGUAGE plpgsql AS
		$$ BEGIN INSERT INTO {schema}.audit VALUES (NEW.event_id); RETURN NEW; END $$`)
	w.query(`CREATE TRIGGER audit AFTER INSERT OR UPDATE ON {schema}.users FOR EACH ROW EXECUTE FUNCTION {schema}.audit()`)

	const users, each = 4, 100
	var together sync.WaitGroup
	var done, failed atomic.Int64
	for u := range users {
		var events []*consumer.Message
		for i := range each {
			events = append(events, w.event("user.updated", i+1, user(fmt.Sprint(u+1), nickname(fmt.Sprint(i)))))
		}
		together.Go(func() {
			for _, m := range events {
				untilHandled(t, w.job, m, &failed)
				done.Add(1)
			}
		})
	}
	for crash := range 2 {
		consumertest.Eventually(t, "some events", func() bool { return done.Load() > int64(60*(crash+1)) })
		server.Stop(syscall.SIGQUIT)
		before := failed.Load()
		consumertest.Eventually(t, "a failed attempt", func() bool { return failed.Load() > before })
		if err := server.Start(); err != nil {
			t.Fatal(err)
		}
	}
	together.Wait()
	t.Logf("%d attempts failed", failed.Load())

	after := &world{t: t, schema: w.schema, job: w.job}
	after.connect()
	after.want("1,99\n2,99\n3,99\n4,99", `SELECT id, nickname FROM {schema}.users WHERE id <> '0' ORDER BY id`)
	after.want("400,400", `SELECT count(*), count(DISTINCT id) FROM {schema}.audit`)
}

// untilHandled attempts an event as a consumer does.
func untilHandled(t *testing.T, job consumer.Job, m *consumer.Message, failed *atomic.Int64) {
	err := consumertest.Poll(time.Minute, func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		err := job.Handle(ctx, m)
		if err != nil {
			failed.Add(1)
		}
		if consumertest.Verdict(err) == "permanent" {
			t.Errorf("%s: a server that is away made a dead letter: %v", m.Event.ID, err)
			return nil
		}
		return err
	})
	if err != nil {
		t.Errorf("%s: %v", m.Event.ID, err)
	}
}
