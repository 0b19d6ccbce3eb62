package main

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/provider"
)

// PostgreSQL restarts under load, twice in good order and twice as after a crash: no update is lost, and none is applied
// twice.
func TestPostgresRestart(t *testing.T) {
	const users = 6
	database := consumertest.StartPostgres(t)
	d := newDaemon(t, forebayYAML+"consumers:\n  usersync: {actions: [\"user.*\"], ordered_by: user, retry: [200ms], max_attempts: 1000, "+
		"run: usersync, usersync: "+usersyncYAML(database)+"}\n")
	d.run(t)
	d.forebay(t, "send", "mgpass", "user.register") // whose row does not count
	d.settled(t, "usersync")
	auditWrites(t, database)
	load := startUpdates(t, d.target(t, "ssofy"), users)
	tries := func() float64 { return d.metric(t, `forebay_attempts_total{consumer="usersync",verdict="retry"`) }
	for _, end := range []syscall.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGINT, syscall.SIGQUIT} {
		more := load.accepted.Load() + 60
		check(t, poll(func() error {
			if n := load.accepted.Load(); n < more {
				return fmt.Errorf("%d updates were accepted, want %d", n, more)
			}
			return nil
		}))
		failed := tries()
		database.Stop(end)
		check(t, poll(func() error {
			if tries() < failed+users {
				return fmt.Errorf("%v attempts failed", tries()-failed)
			}
			return nil
		}))
		check(t, database.Start())
	}
	last := load.finish()
	d.settled(t, "usersync")
	if dead := d.forebay(t, "dead", "list"); dead != "" {
		t.Errorf("dead letters: %s", dead)
	}
	t.Logf("%d updates accepted, %v attempts failed", load.accepted.Load(), tries())
	wantUpdates(t, database, last, load.accepted.Load())
	check(t, d.stop())
}

// auditWrites notes every write of a user's row.
func auditWrites(t *testing.T, p *consumertest.Postgres) {
	t.Helper()
	_, err := connectTo(t, p).Exec(t.Context(), `CREATE TABLE public.audit (event_id text);
		CREATE FUNCTION public.audit() RETURNS trigger LANGUAGE plpgsql AS
			$$ BEGIN INSERT INTO public.audit VALUES (NEW.event_id); RETURN NEW; END $$;
		CREATE TRIGGER audit AFTER INSERT OR UPDATE ON forebay.users FOR EACH ROW EXECUTE FUNCTION public.audit()`)
	check(t, err)
}

// wantUpdates compares the table with what was accepted: the last value of each user, and as many writes as events.
func wantUpdates(t *testing.T, p *consumertest.Postgres, last []int, accepted int64) {
	t.Helper()
	app := connectTo(t, p)
	for user, want := range last {
		var nickname string
		err := app.QueryRow(t.Context(), `SELECT nickname FROM forebay.users WHERE source = 'ssofy' AND id = $1`, userName(user)).Scan(&nickname)
		if err != nil || nickname != strconv.Itoa(want) {
			t.Errorf("%s has update %q, want %d: %v", userName(user), nickname, want, err)
		}
	}
	var writes, distinct, events int64
	check(t, app.QueryRow(t.Context(), `SELECT count(*), count(DISTINCT event_id),
		(SELECT count(*) FROM forebay.applied_events WHERE source = 'ssofy') FROM public.audit`).Scan(&writes, &distinct, &events))
	if writes != accepted || distinct != accepted || events != accepted {
		t.Errorf("%d writes of %d events, %d noted as applied; want %d of each", writes, distinct, events, accepted)
	}
}

func userName(user int) string { return fmt.Sprintf("user-%d", user) }

// Updates are users whose nickname counts up, one update after another.
type updates struct {
	target   *target
	stop     context.CancelFunc
	senders  sync.WaitGroup
	last     []int // by user
	accepted atomic.Int64
}

func startUpdates(t *testing.T, target *target, users int) *updates {
	ctx, cancel := context.WithCancel(t.Context())
	u := &updates{target: target, stop: cancel, last: make([]int, users)}
	for user := range users {
		u.senders.Go(func() {
			for n := 1; ctx.Err() == nil; n++ {
				made, err := u.make(user, n)
				if err != nil {
					t.Error(err)
					return
				}
				if a := target.post(context.WithoutCancel(ctx), made); !a.success() {
					t.Errorf("answer: %+v", a)
					return
				}
				u.last[user] = n
				u.accepted.Add(1)
			}
		})
	}
	return u
}

// make is a delivery of SSOfy's user_updated.
func (u *updates) make(user, n int) (delivery, error) {
	r, err := provider.JSONRequest(u.target.url.Path, map[string]any{"action": "user_updated", "payload": map[string]any{
		"user": map[string]any{"id": userName(user), "nickname": strconv.Itoa(n)}, "ip": "203.0.113.7",
	}})
	if err != nil {
		return delivery{}, err
	}
	return delivery{request: r}, u.target.signer.Sign(&r)
}

// finish gives the last update of every user.
func (u *updates) finish() []int {
	u.stop()
	u.senders.Wait()
	return u.last
}
