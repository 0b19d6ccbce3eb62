package usersync_test

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/crypto/argon2"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/consumer/usersync"
	"github.com/forebayhq/forebay/schema"
)

func TestClaims(t *testing.T) {
	w := newWorld(t, "")
	yes := true
	ada := user("1", username("ada"), email("ada@example.com"), phone("+441234567890"), custom("tier", `{"level": 7}`))
	ada.EmailVerified = &yes
	street := "1 Example Street"
	ada.Address = &schema.Address{Formatted: &street}
	w.handle(w.event("user.created", 0, ada))
	w.want(`staff,1,ada,ada@example.com,true,+441234567890,{"formatted":"1 Example Street"},{"tier":{"level":7}},{"native":true},active,12:00:00,e1`,
		`SELECT source, id, preferred_username, email, email_verified, phone_number, address, custom, raw, status, event_time, event_id
		FROM {schema}.users`)

	// What an update does not name stays; what it lists and lacks goes.
	w.handle(w.event("user.updated", 1, user("1", nickname("countess"), custom("plan", `"gold"`)),
		changes("nickname", "phone_number", "custom.plan", "custom.tier", "users")))
	w.want(`ada,ada@example.com,countess,-,{"plan":"gold"},e2,12:00:00,12:00:01`,
		`SELECT preferred_username, email, nickname, phone_number, custom, event_id, known_since, event_time FROM {schema}.users`)
}

func TestStatus(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1", email("ada@example.com"))))
	for i, step := range []struct {
		action schema.Action
		status string
	}{
		{"user.locked", "locked"}, {"user.disabled", "disabled"}, {"user.unlocked", "disabled"}, {"user.enabled", "active"},
		{"user.deleted", "deleted"}, {"user.updated", "deleted"}, {"user.enabled", "deleted"}, {"user.created", "active"},
		{"scim.user_deprovisioned", "deleted"}, {"scim.user_provisioned", "active"},
	} {
		w.handle(w.event(step.action, i+1, user("1")))
		w.want(step.status, `SELECT status FROM {schema}.users`)
	}
	w.want("1", `SELECT id FROM {schema}.active_users`)
	w.handle(w.event("scim.user_updated", 20, user("1", custom("active", "false"))))
	w.want("", `SELECT id FROM {schema}.active_users`)
	w.handle(w.event("scim.user_updated", 21, user("1", custom("active", "true"))))
	w.want("1", `SELECT id FROM {schema}.active_users`)
}

// An event about somebody unknown leaves a row, so that an older one that comes later cannot bring them back.
func TestDeletedBeforeCreated(t *testing.T) {
	w := newWorld(t, "")
	created := w.event("user.created", 0, user("1", email("ada@example.com"), password(`"c0rrect horse"`)))
	w.handle(w.event("user.deleted", 5, user("1")))
	w.handle(created)
	w.want("deleted,12:00:05,ada@example.com,-,12:00:00", `SELECT status, deleted_at, email, password_hash, known_since FROM {schema}.users`)
}

func TestWithoutEffect(t *testing.T) {
	w := newWorld(t, "")
	failed := func(e *schema.Event) { e.Outcome = schema.Failure }
	w.handle(w.event("user.created", 0, user("1")))
	w.handle(w.event("user.deleted", 1, user("1"), failed))
	w.handle(w.event("password.changed", 1, user("1"), failed))
	w.handle(w.event("login.succeeded", 2, user("2")))
	w.handle(w.event("scim.group_updated", 3, nil))
	w.want("1,active,-", `SELECT id, status, password_changed_at FROM {schema}.users`)
	if got := w.refused(w.event("user.disabled", 4, &schema.User{})); !strings.Contains(got, "names no user") {
		t.Errorf("got %q", got)
	}
}

func TestRepeatIsNoSecondEffect(t *testing.T) {
	w := newWorld(t, "")
	m := w.event("user.created", 0, user("1", email("ada@example.com")))
	w.handle(m)
	w.query(`DELETE FROM {schema}.users`)
	w.handle(m)
	w.want("0", `SELECT count(*) FROM {schema}.users`)
	w.want("usersync,staff,e1", `SELECT consumer, source, event_id FROM {schema}.applied_events`)

	// A replay is how a table is made anew.
	replay := *m
	replay.Seq, replay.ReplayOf = 99, m.Seq
	w.handle(&replay)
	w.want("1", `SELECT count(*) FROM {schema}.users`)
}

// A provider whose clock is fast does not outlast what happens later.
func TestFutureEvent(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.updated", 0, user("1", nickname("early")), func(e *schema.Event) { e.Time = base.AddDate(10, 0, 0) }))
	w.handle(w.event("user.updated", 1, user("1", nickname("late"))))
	w.want("late,12:00:01", `SELECT nickname, event_time FROM {schema}.users`)
}

func TestSealedPassword(t *testing.T) {
	sealer, open := consumertest.SealKeys(t)
	compact, err := sealer.Seal([]byte("c0rrect horse"))
	if err != nil {
		t.Fatal(err)
	}
	ada := user("1", email("ada@example.com"), password(fmt.Sprintf(`{"sealed":%q}`, compact)))

	closed := newWorld(t, "")
	if got := closed.refused(closed.event("user.created", 0, ada)); !strings.Contains(got, "user.password: is sealed, and the private key is not here") {
		t.Errorf("without the key: %q", got)
	}
	closed.handle(closed.event("user.created", 0, user("2")))
	closed.want("staff/e2", `SELECT source || '/' || event_id FROM {schema}.applied_events`)

	ignoring := newWorld(t, "passwords: ignore")
	ignoring.handle(ignoring.event("user.created", 0, ada))
	ignoring.want("ada@example.com,-,-", `SELECT email, password_hash, password_changed_at FROM {schema}.users`)

	w := newWorldWith(t, "argon2id: {memory: 19456, passes: 2}", func(c *consumer.JobConfig) { c.Open = open })
	w.handle(w.event("user.created", 0, ada))
	checkHash(t, w.query(`SELECT password_hash FROM {schema}.users`), "$argon2id$v=19$m=19456,t=2,p=1$", "c0rrect horse")

	// A change whose password the event does not tell: the old one no longer holds.
	w.handle(w.event("password.changed", 3, user("1")))
	w.want("-,12:00:03", `SELECT password_hash, password_changed_at FROM {schema}.users`)
}

func checkHash(t *testing.T, phc, head, password string) {
	t.Helper()
	rest, ok := strings.CutPrefix(phc, head)
	if !ok {
		t.Fatalf("hash %q does not begin with %q", phc, head)
	}
	salt, sum, _ := strings.Cut(rest, "$")
	var memory, passes, threads int
	if _, err := fmt.Sscanf(head, "$argon2id$v=19$m=%d,t=%d,p=%d$", &memory, &passes, &threads); err != nil {
		t.Fatal(err)
	}
	saltBytes, err := base64.RawStdEncoding.DecodeString(salt)
	if err != nil {
		t.Fatal(err)
	}
	want := argon2.IDKey([]byte(password), saltBytes, uint32(passes), uint32(memory), uint8(threads), 32)
	got, err := base64.RawStdEncoding.DecodeString(sum)
	if err != nil || subtle.ConstantTimeCompare(got, want) != 1 {
		t.Errorf("the hash is not that of the password (%v)", err)
	}
}

func reset(token string) func(*schema.Event) {
	return func(e *schema.Event) {
		e.Semantics, e.Outcome = schema.Command, schema.Unknown
		e.Token = &schema.Token{Value: json.RawMessage(token), Type: "action"}
	}
}

func TestResetByToken(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("42", username("ada"), password(`"old"`))))
	hash := w.query(`SELECT password_hash FROM {schema}.users`)
	m := w.event("password.reset", 10, user("", password(`"N3w p@ss"`)), reset(`"tmp_8c1f0a"`))
	if got := w.refused(m); !strings.Contains(got, "reset_tokens knows no user") || strings.Contains(got, "tmp_") {
		t.Errorf("unknown token: %q", got)
	}
	w.want(hash, `SELECT password_hash FROM {schema}.users`)

	sum := sha256.Sum256([]byte("tmp_8c1f0a"))
	w.query(`INSERT INTO {schema}.reset_tokens VALUES ('staff', $1, '42', $2)`, sum[:], base.Add(time.Minute))
	w.handle(m) // redriven
	checkHash(t, w.query(`SELECT password_hash FROM {schema}.users`), "$argon2id$v=19$m=64,t=1,p=1$", "N3w p@ss")
	w.want("42,ada,12:00:10,-", `SELECT id, preferred_username, password_changed_at, raw FROM {schema}.users`)

	w.refused(w.event("password.reset", 11, user("", password(`"another"`)), reset(`"tmp_8c1f0a"`))) // used up
	replay := *m
	replay.ReplayOf = m.Seq
	w.handle(&replay)

	sum = sha256.Sum256([]byte("late"))
	w.query(`INSERT INTO {schema}.reset_tokens VALUES ('staff', $1, '42', $2)`, sum[:], base)
	w.refused(w.event("password.reset", 12, user("", password(`"another"`)), reset(`"late"`))) // expired
	w.refused(w.event("password.reset", 13, user("42"), reset(`"tmp"`)))                       // no password
	w.refused(w.event("password.reset", 14, user("", password(`"x"`)), func(e *schema.Event) { e.Semantics = schema.Command }))
}

// Where passwords are left alone, the key is not needed for the token that stands for a user either.
func TestResetIsIgnoredWithoutTheKey(t *testing.T) {
	sealer, _ := consumertest.SealKeys(t)
	sealed := func(text string) string {
		t.Helper()
		compact, err := sealer.Seal([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return fmt.Sprintf(`{"sealed":%q}`, compact)
	}
	w := newWorld(t, "passwords: ignore")
	w.handle(w.event("user.created", 0, user("42", username("ada"))))
	w.handle(w.event("password.reset", 10, user("", password(sealed("N3w p@ss"))), reset(sealed("tmp_8c1f0a"))))
	w.want("42,ada,-,e1", `SELECT id, preferred_username, password_changed_at, event_id FROM {schema}.users`)

	hashing := newWorld(t, "")
	m := hashing.event("password.reset", 10, user("", password(sealed("N3w p@ss"))), reset(sealed("tmp_8c1f0a")))
	if got := hashing.refused(m); !strings.Contains(got, "token.value: is sealed") {
		t.Errorf("got %q", got)
	}
}

// SSOfy's user_created names nobody by ID.
func TestRegistration(t *testing.T) {
	created := func(w *world, second int) *consumer.Message {
		return w.event("user.created", second, user("", username("ada"), email("ada@example.com"), password(`"c0rrect horse"`)))
	}
	updated := func(w *world, second int, more ...func(*schema.User)) *consumer.Message {
		return w.event("user.updated", second, user("1", more...))
	}
	const all = `SELECT id, preferred_username, email, nickname, password_hash IS NOT NULL FROM {schema}.users ORDER BY key`

	t.Run("then its ID", func(t *testing.T) {
		w := newWorld(t, "")
		w.handle(created(w, 0))
		w.want("-,ada,ada@example.com,-,true", all)
		w.handle(updated(w, 1, email("ADA@example.com"), nickname("countess")))
		w.want("1,ada,ADA@example.com,countess,true", all)
	})
	t.Run("after its ID", func(t *testing.T) {
		w := newWorld(t, "")
		first := created(w, 0)
		w.handle(updated(w, 1, email("ada@example.com"), nickname("countess")))
		w.handle(first)
		w.want("1,ada,ada@example.com,countess,true", all)
	})
	t.Run("between two updates", func(t *testing.T) {
		w := newWorld(t, "")
		w.handle(created(w, 0))
		w.handle(updated(w, 1, nickname("countess"))) // nothing links it yet
		w.want("-,ada,ada@example.com,-,true\n1,-,-,countess,false", all)
		w.handle(updated(w, 2, username("ada")))
		w.want("1,ada,ada@example.com,countess,true", all)
	})
	t.Run("twice", func(t *testing.T) {
		w := newWorld(t, "")
		w.handle(created(w, 0))
		w.handle(created(w, 1))
		w.want("-,ada,ada@example.com,-,true", all)
	})
	t.Run("replayed after its ID", func(t *testing.T) {
		w := newWorld(t, "")
		registrations := []*consumer.Message{created(w, 0), created(w, 1)}
		for _, m := range registrations {
			w.handle(m)
		}
		w.handle(updated(w, 2, email("ada@example.com")))
		for _, m := range registrations {
			m.Seq, m.ReplayOf = 90+m.Seq, m.Seq
			w.handle(m)
		}
		w.want("1,ada,ada@example.com,-,true", all)
	})
	// Somebody registers with the address of a user who was known before: they do not become that user.
	t.Run("of a stranger", func(t *testing.T) {
		w := newWorld(t, "")
		w.handle(updated(w, 0, email("ada@example.com")))
		w.handle(created(w, 1))
		w.handle(updated(w, 2, email("ada@example.com"), nickname("countess")))
		w.want("1,-,ada@example.com,countess,false\n-,ada,ada@example.com,-,true", all)
	})
	t.Run("of another name at the same address", func(t *testing.T) {
		w := newWorld(t, "")
		w.handle(created(w, 0))
		w.handle(updated(w, 1, username("ben"), email("ada@example.com")))
		w.want("-,ada,ada@example.com,-,true\n1,ben,ada@example.com,-,false", all)
	})
	t.Run("not linked", func(t *testing.T) {
		w := newWorld(t, "link: []")
		w.handle(created(w, 0))
		w.handle(updated(w, 1, username("ada"), email("ada@example.com")))
		w.want("-,ada,ada@example.com,-,true\n1,ada,ada@example.com,-,false", all)
	})
}

// Other events without an ID are for the one who bears the name, as RISC's subjects by mail address are.
func TestByName(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1", email("ada@example.com"))))
	w.handle(w.event("user.disabled", 1, user("", email("Ada@example.com"))))
	w.want("1,disabled", `SELECT id, status FROM {schema}.users`)
	w.handle(w.event("user.created", 2, user("2", email("ada@example.com"))))
	if got := w.refused(w.event("user.disabled", 3, user("", email("ada@example.com")))); !strings.Contains(got, "several") {
		t.Errorf("got %q", got)
	}
}

func TestBatch(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1"), func(e *schema.Event) { e.Members = []schema.User{*user("1"), *user("2")} }))
	w.want("1\n2", `SELECT id FROM {schema}.users ORDER BY id`)
}

// What PostgreSQL cannot store does not make a dead letter.
func TestStrangeText(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1\x00", nickname("a\x00b"), custom("x", `"\u0000\ud800"`)), func(e *schema.Event) {
		e.Payload = json.RawMessage(`{"a\u0000":["\u0000","\\u0000"],"n":1.50}`)
	}))
	w.want("1\uFFFD,a\uFFFDb,{\"x\":\"\uFFFD\uFFFD\"},{\"n\": 1.50, \"a\uFFFD\": [\"\uFFFD\", \"\\\\u0000\"]}",
		`SELECT id, nickname, custom, raw::text FROM {schema}.users`)
}

func TestDataErrorIsPermanent(t *testing.T) {
	w := newWorld(t, "")
	long := strings.Repeat("ada@example.com ", 40000) // too long for an index, also compressed
	got := w.refused(w.event("user.created", 0, user("1", email(long), custom("x", `1e200000`))))
	if !strings.Contains(got, "SQLSTATE") || strings.Contains(got, "ada@") {
		t.Errorf("got %.200q", got)
	}
	w.want("0", `SELECT count(*) FROM {schema}.users`)
}

// Where sealing is off, the payload holds the password: it is not kept.
func TestClearPasswordIsNotKept(t *testing.T) {
	w := newWorld(t, "")
	w.handle(w.event("user.created", 0, user("1", password(`"c0rrect horse"`)), func(e *schema.Event) {
		e.Payload = json.RawMessage(`{"password":"c0rrect horse"}`)
	}))
	if got := w.query(`SELECT u::text FROM {schema}.users u`); strings.Contains(got, "c0rrect") {
		t.Errorf("the password is in %s", got)
	}
}

func TestOptions(t *testing.T) {
	for options, want := range map[string]string{
		"":                                   "url: not given",
		"url: postgres://x:sesame@h:y/z":     "url: not postgres://",
		"url: postgres://h\nlink: [name]":    `link: "name" is none of`,
		"url: postgres://h\npasswords: x":    "neither hash nor ignore",
		"url: postgres://h\nkeep: 1s":        "less than 1h",
		"url: postgres://h\nconnections: -1": "connections",
		"url: postgres://h\nargon2id: {memory: 8, threads: 4}":  "argon2id.memory",
		"url: postgres://h\nurls: x":                            "unknown field",
		"url: postgres://h\nschema: " + strings.Repeat("a", 64): "schema",
	} {
		c := consumer.JobConfig{Consumer: "usersync"}
		if options != "" {
			c.Options = consumertest.YAML(options)
		}
		_, err := usersync.New(c)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: got %v, want %q", options, err, want)
		}
	}
}

// New may be called to check a file, also twice with one registry.
func TestNewTwice(t *testing.T) {
	c := consumer.JobConfig{Consumer: "usersync", Options: consumertest.YAML("url: postgres://127.0.0.1:1/x"), Metrics: prometheus.NewRegistry()}
	for range 2 {
		if _, err := usersync.New(c); err != nil {
			t.Fatal(err)
		}
	}
}

func TestHandleAfterRun(t *testing.T) {
	c := consumer.JobConfig{Consumer: "usersync", Options: consumertest.YAML("url: " + server.URL() + "\nschema: " + schemaName(t))}
	job, err := usersync.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("run", func(t *testing.T) { consumertest.Background(t, job.Run) })
	w := &world{t: t}
	if err := job.Handle(t.Context(), w.event("user.created", 0, user("1"))); consumertest.Verdict(err) != "retry" {
		t.Errorf("got %v, want an error that is not permanent", err)
	}
}
