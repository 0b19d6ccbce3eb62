package usersync_test

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// snapshot is all that an application can see, but for the salt of hashes and the times of writing.
const snapshot = `SELECT to_jsonb(u) - 'key' - 'inserted_at' - 'updated_at' - 'password_hash'
	|| jsonb_build_object('hashed', password_hash IS NOT NULL) FROM {schema}.users u ORDER BY id`

// In any order, any number of times and several at a time, events leave the table that they leave in order.
func TestAnyOrder(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("0"))) // makes the tables
	rapid.Check(t, func(r *rapid.T) {
		events := make([]*consumer.Message, rapid.IntRange(1, 10).Draw(r, "events"))
		for i := range events {
			events[i] = w.randomEvent(r)
		}
		again := rapid.SliceOfN(rapid.SampledFrom(events), 0, 5).Draw(r, "again")
		shuffled := rapid.Permutation(append(append([]*consumer.Message{}, events...), again...)).Draw(r, "order")

		w.empty()
		for _, m := range events {
			w.handle(m)
		}
		want := w.query(snapshot)

		w.empty()
		for _, m := range shuffled {
			w.handle(m)
		}
		if got := w.query(snapshot); got != want {
			r.Errorf("one after another:\n got %s\nwant %s", got, want)
		}

		w.empty()
		w.handleAll(shuffled)
		if got := w.query(snapshot); got != want {
			r.Errorf("at the same time:\n got %s\nwant %s", got, want)
		}
	})
}

func (w *world) empty() { w.query(`TRUNCATE {schema}.users, {schema}.applied_events`) }

func (w *world) handleAll(all []*consumer.Message) {
	var together sync.WaitGroup
	for _, m := range all {
		together.Go(func() {
			if err := w.job.Handle(w.t.Context(), m); err != nil {
				w.t.Errorf("%s: %v", m.Event.Action, err)
			}
		})
	}
	together.Wait()
}

func (w *world) randomEvent(r *rapid.T) *consumer.Message {
	action := rapid.SampledFrom([]schema.Action{
		"user.created", "user.updated", "user.updated", "user.deleted", "user.disabled", "user.enabled", "user.locked",
		"user.unlocked", "password.changed", "scim.user_updated", "identifier.changed",
	}).Draw(r, "action")
	u := user(rapid.SampledFrom([]string{"1", "2"}).Draw(r, "id"))
	names := rapid.SampledFrom([]string{"ada", "ben", ""})
	if rapid.Bool().Draw(r, "has nickname") {
		nickname(names.Draw(r, "nickname"))(u)
	}
	if rapid.Bool().Draw(r, "has custom") {
		custom("tier", fmt.Sprint(rapid.IntRange(0, 9).Draw(r, "tier")))(u)
	}
	if rapid.Bool().Draw(r, "has email") {
		email(names.Draw(r, "email") + "@example.com")(u)
	}
	if rapid.IntRange(0, 4).Draw(r, "has password") == 0 {
		u.Password = json.RawMessage(`"c0rrect horse"`)
	}
	removed := rapid.SliceOfN(rapid.SampledFrom([]string{"nickname", "email", "custom.tier", "address", "users"}), 0, 3)
	return w.event(action, rapid.IntRange(0, 5).Draw(r, "second"), u, changes(removed.Draw(r, "changes")...))
}

// A registration and what follows it become one row in any order.
func TestRegistrationInAnyOrder(t *testing.T) {
	w := newWorld(t, "")
	events := []*consumer.Message{
		w.event("user.created", 0, user("", username("ada"), email("ada@example.com"), password(`"c0rrect horse"`))),
		w.event("user.updated", 1, user("1", nickname("countess"))),
		w.event("user.updated", 2, user("1", username("ada"), email("ada@example.com"))),
		w.event("user.locked", 3, user("1")),
	}
	w.handle(events[0]) // makes the tables
	for _, order := range permutations(len(events)) {
		w.empty()
		for _, at := range order {
			w.handle(events[at])
			w.handle(events[at])
		}
		got := w.query(`SELECT id, preferred_username, email, nickname, status, password_hash IS NOT NULL, known_since FROM {schema}.users`)
		if want := "1,ada,ada@example.com,countess,locked,true,12:00:00"; got != want {
			t.Errorf("in order %v: got\n%s\nwant\n%s", order, got, want)
		}
	}
}

func permutations(n int) (all [][]int) {
	if n == 0 {
		return [][]int{{}}
	}
	for _, shorter := range permutations(n - 1) {
		for i := range n {
			one := append(append(append([]int{}, shorter[:i]...), n-1), shorter[i:]...)
			all = append(all, one)
		}
	}
	return all
}

// Many at once make one row, not several, and nobody waits in a circle.
func TestConcurrentRegistration(t *testing.T) {
	w := newWorld(t, "")
	var all []*consumer.Message
	for i := range 30 {
		all = append(all,
			w.event("user.created", 0, user("", username("ada"), email("ada@example.com"))),
			w.event("user.updated", i+1, user("1", email("ada@example.com"), phone("+441234567890"))),
			w.event("user.updated", i+1, user("2", username("ben"), phone("+441234567890"))))
	}
	w.handleAll(all)
	w.want("1\n2", `SELECT id FROM {schema}.users WHERE id IS NOT NULL ORDER BY id`)
	w.want("90", `SELECT count(*) FROM {schema}.applied_events`)
}

// Registrations have no ID that could be unique: only waiting for each other keeps them one row.
func TestConcurrentRepeatedRegistration(t *testing.T) {
	w := newWorld(t, "connections: 16")
	w.handle(w.event("user.created", 0, user("0")))
	for round := range 5 {
		var all []*consumer.Message
		for range 16 {
			all = append(all, w.event("user.created", round, user("", username(fmt.Sprint("ada", round)))))
		}
		w.handleAll(all)
	}
	w.want("5", `SELECT count(*) FROM {schema}.users WHERE id IS NULL`)
}

// Events that find one row by its ID and by its mail address do not undo each other.
func TestConcurrentByIDAndByName(t *testing.T) {
	w := newWorld(t, "connections: 16")
	w.handle(w.event("user.created", 0, user("1", email("ada@example.com"))))
	var all []*consumer.Message
	for i := range 60 {
		all = append(all,
			w.event("user.updated", 1, user("1", custom(fmt.Sprint("a", i), "1"))),
			w.event("user.updated", 1, user("", email("ada@example.com"), custom(fmt.Sprint("b", i), "1"))))
	}
	w.handleAll(all)
	w.want("120", `SELECT count(*) FROM {schema}.users, jsonb_object_keys(custom)`)
}
