package broker

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A pair of users works off one durable each of a stream with five events.
func startUsers(t *testing.T) (b *Broker, ann *nats.Conn) {
	t.Helper()
	b = start(t, Config{
		User: "forebay", Password: "operator's", Stream: "IDENTITY",
		Users: []User{
			{Name: "ann", Password: "ann's", Durables: []string{"audit", "mail"}},
			{Name: "bob", Password: "bob's", Durables: []string{"mail", "crm"}},
		},
	})
	js := jetStream(t, b)
	makeStream(t, js, 1, "audit", "mail", "crm")
	publish(t, js, 5)
	return b, logIn(t, b, "ann", "ann's")
}

func logIn(t *testing.T, b *Broker, user, password string, o ...nats.Option) *nats.Conn {
	t.Helper()
	silent := nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})
	nc, err := nats.Connect(b.URL(), append(o, nats.UserInfo(user, password), silent)...)
	if err != nil {
		t.Fatalf("log in as %s: %v", user, err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// A user binds to a durable, fetches, and answers in every way there is.
func TestUserWorksOffDurable(t *testing.T) {
	b, ann := startUsers(t)
	for _, durable := range []string{"audit", "mail"} {
		checkWorksOff(t, jetStream(t, b), ann, durable)
	}
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	logIn(t, b, "ann", "ann's")
}

// Answers that are to go to subjects of others, an event's included, stay with the user who asked.
func TestUserIsShutIn(t *testing.T) {
	b, ann := startUsers(t)
	for _, m := range fetch(t, jetStream(t, b), "audit", 5) {
		if err := m.DoubleAck(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	checkShutIn(t, jetStream(t, b), ann, "audit")
}

// Nothing else that a user asks for is answered, and nothing that a user publishes arrives anywhere.
func TestUserMayNothingElse(t *testing.T) {
	b, ann := startUsers(t)
	operator := jetStream(t, b)
	checkMayNothingElse(t, ann, "audit")
	info, err := operator.Stream(t.Context(), "IDENTITY")
	if err != nil {
		t.Fatalf("the stream: %v", err)
	}
	if state := info.CachedInfo().State; state.Msgs != 5 || state.Consumers != 3 {
		t.Errorf("the stream holds %d events and %d durables, want 5 and 3", state.Msgs, state.Consumers)
	}
	crm, err := operator.Consumer(t.Context(), "IDENTITY", "crm")
	if err != nil {
		t.Fatal(err)
	}
	if i := crm.CachedInfo(); i.Delivered.Consumer != 0 || i.AckFloor.Consumer != 0 {
		t.Errorf("the durable of another was touched: %+v, %+v", i.Delivered, i.AckFloor)
	}
}

// What goes to others, their inboxes and requests included, never reaches a user who listens to everything.
func TestUserHearsNobody(t *testing.T) {
	b, ann := startUsers(t)
	heard, err := ann.SubscribeSync(">")
	if err != nil {
		t.Fatal(err)
	}
	if err := ann.Flush(); err != nil {
		t.Fatal(err)
	}
	bob, err := jetstream.New(logIn(t, b, "bob", "bob's"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := bob.Consumer(t.Context(), "IDENTITY", "crm")
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.DoubleAck(t.Context()), dial(t, b).Publish("identity.ssofy.user.created", []byte("6"))); err != nil {
		t.Fatal(err)
	}
	if err := ann.Publish("mine", nil); err != nil { // what comes first is the user's own
		t.Fatal(err)
	}
	if first, err := heard.NextMsg(5 * time.Second); err != nil || first.Subject != "mine" {
		t.Errorf("heard %+v, %v, want nothing of others", first, err)
	}
}

func TestUserLogin(t *testing.T) {
	b, _ := startUsers(t)
	for _, c := range []struct{ user, password string }{
		{"ann", "bob's"}, {"ann", ""}, {"ann", "operator's"}, {"forebay", "ann's"}, {"nobody", "operator's"}, {"", ""}, {"", "operator's"},
	} {
		nc, err := nats.Connect(b.URL(), nats.UserInfo(c.user, c.password))
		if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%+v: got %v, want a refusal", c, err)
			nc.Close()
		}
	}
	logIn(t, b, "forebay", "operator's")
}

func TestStartRefusesUsers(t *testing.T) {
	ann := User{Name: "ann", Password: "ann's", Durables: []string{"audit"}}
	own := Config{User: "forebay", Password: "operator's", Stream: "IDENTITY"}
	for _, c := range []struct {
		change func(*Config)
		words  string
	}{
		{func(c *Config) { c.URL = "nats://127.0.0.1:1" }, "nats.users is for the embedded server"},
		{func(c *Config) { c.User, c.Password = "", "" }, "nats.users needs nats.user and nats.password"},
		{func(c *Config) { c.Stream = "" }, "no stream"},
		{func(c *Config) { c.Users[0].Name = "forebay" }, "two users forebay"},
		{func(c *Config) { c.Users = append(c.Users, ann) }, "two users ann"},
		{func(c *Config) { c.Users[0].Password = "" }, `user "ann" has no name or no password`},
	} {
		refused := own
		refused.Users = []User{ann}
		c.change(&refused)
		_, err := Start(t.Context(), refused)
		wantError(t, err, c.words)
	}
}

// Clients of the embedded server see its certificate, a renewed one too; our own commands trust that one alone.
func TestEmbeddedTLS(t *testing.T) {
	ca := newAuthority(t)
	files := ca.issue(t, "127.0.0.1")
	b := start(t, Config{TLS: files})
	if err := b.Check(t.Context()); err != nil {
		t.Errorf("in process: %v", err)
	}
	nc, err := nats.Connect(b.URL(), nats.RootCAs(ca.file))
	if err != nil {
		t.Fatalf("with its authority: %v", err)
	}
	defer nc.Close()
	if _, err := nc.TLSConnectionState(); err != nil {
		t.Errorf("the connection: %v", err)
	}
	if nc, err := nats.Connect(b.URL()); err == nil {
		nc.Close()
		t.Error("a client that does not know the authority connects")
	}
	own := Config{URL: b.URL(), TLS: TLS{Pin: files.Cert}}
	if err := start(t, own).Check(t.Context()); err != nil {
		t.Errorf("our own command: %v", err)
	}
	own.TLS.Pin = ca.issue(t, "127.0.0.1").Cert
	wantError(t, start(t, own).Check(t.Context()), errPin.Error())

	_, err = Start(t.Context(), Config{Data: t.TempDir(), TLS: TLS{Cert: files.Key, Key: files.Key}})
	wantError(t, err, "read nats.tls")
	_, err = Start(t.Context(), Config{URL: b.URL(), TLS: TLS{Pin: files.Key}})
	wantError(t, err, "read nats.tls", "does not begin with a certificate")
}
