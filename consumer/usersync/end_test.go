package usersync_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/broker/brokertest"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/asgardeo"
	"github.com/forebayhq/forebay/provider/entrust"
	"github.com/forebayhq/forebay/provider/mgpass"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/scalekit"
	"github.com/forebayhq/forebay/provider/ssofy"
	"github.com/forebayhq/forebay/schema"
)

// A line is a stream of events with the job as its consumer.
type line struct {
	sent uint64 // the last sequence
	t    *testing.T
	js   jetstream.JetStream
	wire schema.Wire
	open func(sealed string) ([]byte, error)
	last time.Time
	sum  []byte // SHA-256 of the last token
}

func newLine(t *testing.T) *line {
	t.Helper()
	sealer, open := consumertest.SealKeys(t)
	js := brokertest.Start(t).JetStream(t)
	if _, err := broker.Ensure(t.Context(), js, broker.Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	return &line{t: t, js: js, wire: schema.Wire{Prefix: "identity", Seal: sealer}, last: time.Now(), open: open}
}

// run is what forebay does with the consumer of a job.
func (l *line) run(job consumer.Job, attempts int) {
	l.t.Helper()
	consumertest.Run(l.t, l.js, consumer.Config{
		Name: "usersync", Stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"}, OrderedBy: consumer.OrderedByUser,
		Actions: []string{"user.*", "password.*", "scim.*"}, Retry: []time.Duration{50 * time.Millisecond}, MaxAttempts: attempts,
		Handler: job.Handle,
	})
}

// send publishes the events of a provider's sample, as ingress and publisher do. Each was received later than the one
// before.
func (l *line) send(name string, p provider.Provider, native string) {
	l.t.Helper()
	events, err := p.Decode(providertest.Signed(l.t, p, native))
	if err != nil {
		l.t.Fatalf("%s %s: %v", name, native, err)
	}
	for _, e := range events {
		l.last = l.last.Add(time.Second)
		e.Source, e.Provider, e.Received = name, name, l.last
		nameAda(e.User)
		l.token(e.Token)
		m, err := l.wire.Encode(e, "")
		if err != nil {
			l.t.Fatal(err)
		}
		l.sent = consumertest.Publish(l.t, l.js, m)
	}
}

func (l *line) settled() {
	l.t.Helper()
	consumertest.Eventually(l.t, "nothing left", func() bool {
		c, err := l.js.Consumer(context.Background(), "IDENTITY", "usersync")
		if err != nil {
			return false
		}
		info, err := c.Info(context.Background())
		return err == nil && info.AckFloor.Stream >= l.sent && info.NumAckPending == 0
	})
}

// nameAda makes all samples tell of one user: each is about somebody else.
func nameAda(u *schema.User) {
	if u == nil {
		return
	}
	if u.ID != "" {
		u.ID = "1"
	}
	if u.Email != nil {
		email("ada@example.com")(u)
	}
	if u.PreferredUsername != nil {
		username("ada")(u)
	}
}

func (l *line) token(t *schema.Token) {
	text := ""
	if t == nil || json.Unmarshal(t.Value, &text) != nil {
		return
	}
	sum := sha256.Sum256([]byte(text))
	l.sum = sum[:]
}

// What five providers send about a user, through NATS, into the table.
func TestEveryProvider(t *testing.T) {
	l := newLine(t)
	w := newWorldWith(t, "", func(c *consumer.JobConfig) { c.Open = l.open })
	l.run(w.job, 100)
	for _, step := range []struct {
		name    string
		make    func(provider.Config) (provider.Provider, error)
		natives string
		want    string // id, user name, mail address, status, whether a password is there and was changed
	}{
		{"ssofy", ssofy.New, "user_created", "-,ada,ada@example.com,active,true,true"},
		{"ssofy", ssofy.New, "user_updated", "1,ada,ada@example.com,active,true,true"},
		{"mgpass", mgpass.New, "user.register", "1,-,ada@example.com,active,false,false"},
		{"mgpass", mgpass.New, "user.suspended", "1,-,ada@example.com,disabled,false,false"},
		{"mgpass", mgpass.New, "user.unsuspended", "1,-,ada@example.com,active,false,false"},
		{"mgpass", mgpass.New, "user.deleted", "1,-,ada@example.com,deleted,false,false"},
		{"asgardeo", asgardeo.New, "userCreated userProfileUpdated", "1,ada,ada@example.com,active,false,false"},
		{"asgardeo", asgardeo.New, "credentialUpdated", "1,ada,ada@example.com,active,false,true"},
		{"asgardeo", asgardeo.New, "userAccountLocked", "1,ada,ada@example.com,locked,false,true"},
		{"asgardeo", asgardeo.New, "userAccountUnlocked userDisabled", "1,ada,ada@example.com,disabled,false,true"},
		{"asgardeo", asgardeo.New, "userEnabled", "1,ada,ada@example.com,active,false,true"},
		{"asgardeo", asgardeo.New, "userDeleted", "1,ada,ada@example.com,deleted,false,true"},
		{"entrust", entrust.New, "user.created user.updated", "1,ada,ada@example.com,active,false,false"},
		{"entrust", entrust.New, "password.updated", "1,ada,ada@example.com,active,false,true"},
		{"entrust", entrust.New, "user.deleted", "1,ada,ada@example.com,deleted,false,true"},
		{"scalekit", scalekit.New, "organization.directory.user_created", "1,ada,ada@example.com,active,false,false"},
		{"scalekit", scalekit.New, "organization.directory.user_updated", "1,ada,ada@example.com,active,false,false"},
		{"scalekit", scalekit.New, "organization.directory.user_deleted", "1,ada,ada@example.com,deleted,false,false"},
		{"scalekit", scalekit.New, "user.signup", "1,ada,ada@example.com,active,false,false"},
	} {
		p := newProvider(t, step.name, step.make)
		for _, native := range strings.Fields(step.natives) {
			l.send(step.name, p, native)
			l.settled()
		}
		got := w.query(`SELECT id, preferred_username, email, status, password_hash IS NOT NULL, password_changed_at IS NOT NULL
			FROM {schema}.users WHERE source = $1`, step.name)
		if got != step.want {
			t.Errorf("%s %s: got %s, want %s", step.name, step.natives, got, step.want)
		}
	}
	w.want("0", `SELECT count(*) FROM {schema}.users WHERE raw::text ~ '"password": *"'`)

	// The application knows whose token it was; before it says so, the event waits as a dead letter would.
	hash := w.query(`SELECT password_hash FROM {schema}.users WHERE source = 'ssofy'`)
	l.send("ssofy", newProvider(t, "ssofy", ssofy.New), "password_reset")
	l.settled()
	w.query(`INSERT INTO {schema}.reset_tokens VALUES ('ssofy', $1, '1', now() + interval '1 day')`, l.sum)
	_, err := consumer.Replay{
		JS: l.js, Stream: consumer.Stream{Name: "IDENTITY", Prefix: "identity"}, Consumer: "usersync",
		Select: consumer.Selector{Actions: []string{"password.reset"}},
	}.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	consumertest.Eventually(t, "the password is set", func() bool {
		return w.query(`SELECT password_hash FROM {schema}.users WHERE source = 'ssofy'`) != hash
	})
}

func newProvider(
	t *testing.T, name string, construct func(provider.Config) (provider.Provider, error),
) provider.Provider {
	t.Helper()
	p, err := construct(provider.Config{
		Source: name, Secrets: []string{"whsec_c2VjcmV0LW9mLXRlc3RzLW9ubHk="}, Path: "/webhooks/" + name, Now: time.Now,
		PublicURL: &url.URL{Scheme: "https", Host: "hooks.example.com"},
	})
	if err != nil {
		t.Fatal(err)
	}
	return p
}
