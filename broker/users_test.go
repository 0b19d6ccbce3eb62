package broker

import (
	"context"
	"errors"
	"fmt"
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
	if _, err := Ensure(t.Context(), js, Streams{Name: "IDENTITY", Prefix: "identity"}); err != nil {
		t.Fatal(err)
	}
	for _, durable := range []string{"audit", "mail", "crm"} {
		c := jetstream.ConsumerConfig{Durable: durable, AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Minute}
		if _, err := js.CreateConsumer(t.Context(), "IDENTITY", c); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		if _, err := js.Publish(t.Context(), "identity.ssofy.user.created", fmt.Append(nil, n)); err != nil {
			t.Fatal(err)
		}
	}
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
	js, err := jetstream.New(ann)
	if err != nil {
		t.Fatal(err)
	}
	for _, durable := range []string{"audit", "mail"} {
		c, err := js.Consumer(t.Context(), "IDENTITY", durable)
		if err != nil {
			t.Fatalf("bind: %v", err)
		}
		batch, err := c.Fetch(5, jetstream.FetchMaxWait(5*time.Second), jetstream.FetchHeartbeat(time.Second))
		if err != nil {
			t.Fatal(err)
		}
		answers := []func(jetstream.Msg) error{
			jetstream.Msg.Ack,
			jetstream.Msg.Term,
			jetstream.Msg.InProgress,
			func(m jetstream.Msg) error { return m.NakWithDelay(time.Minute) },
			func(m jetstream.Msg) error { return m.DoubleAck(t.Context()) },
		}
		for m := range batch.Messages() {
			if err := answers[0](m); err != nil {
				t.Error(err)
			}
			answers = answers[1:]
		}
		if err := batch.Error(); err != nil || len(answers) != 0 {
			t.Fatalf("%v, %d events are missing", err, len(answers))
		}
		wait(t, "three answers that end it", func() bool {
			info, err := c.Info(t.Context())
			return err == nil && info.NumAckPending == 2 && info.NumPending == 0
		})
	}
	if err := b.Restart(); err != nil {
		t.Fatal(err)
	}
	logIn(t, b, "ann", "ann's")
}

// Nothing else that a user asks for is answered, and nothing that a user publishes arrives anywhere.
func TestUserMayNothingElse(t *testing.T) {
	b, ann := startUsers(t)
	operator := jetStream(t, b)
	ask := func(subject, body string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := ann.RequestWithContext(ctx, subject, []byte(body))
		if !errors.Is(err, nats.ErrNoResponders) {
			t.Errorf("%s: got an answer or %v, want no responders", subject, err)
		}
	}
	const api = "$JS.API."
	ask(api+"CONSUMER.INFO.IDENTITY.crm", "")
	ask(api+"CONSUMER.MSG.NEXT.IDENTITY.crm", `{"batch":1}`)
	ask(api+"CONSUMER.CREATE.IDENTITY.mine", `{"stream_name":"IDENTITY","config":{"name":"mine"}}`)
	ask(api+"CONSUMER.DURABLE.CREATE.IDENTITY.audit", `{"stream_name":"IDENTITY","config":{"durable_name":"audit"}}`)
	ask(api+"CONSUMER.DELETE.IDENTITY.audit", "")
	ask(api+"CONSUMER.NAMES.IDENTITY", "")
	ask(api+"STREAM.INFO.IDENTITY", "")
	ask(api+"STREAM.MSG.GET.IDENTITY", `{"seq":1}`)
	ask(api+"DIRECT.GET.IDENTITY", `{"seq":1}`)
	ask(api+"STREAM.PURGE.IDENTITY", "")
	ask(api+"STREAM.DELETE.IDENTITY", "")
	ask(api+"STREAM.CREATE.MINE", `{"name":"MINE","subjects":["mine"]}`)
	ask("$SYS.REQ.SERVER.PING", "")
	ask("identity.ssofy.user.created", "forged")
	ask("$JS.ACK.IDENTITY.crm.1.1.1.1.0", "+ACK")

	// Answers sent to subjects of others: an event of another action, a request to delete the stream.
	for _, reply := range []string{"identity.ssofy.user.deleted", api + "STREAM.DELETE.IDENTITY", "$JS.ACK.IDENTITY.crm.1.1.1.1.0"} {
		for _, subject := range []string{api + "CONSUMER.MSG.NEXT.IDENTITY.audit", api + "CONSUMER.INFO.IDENTITY.audit"} {
			_ = ann.PublishRequest(subject, reply, []byte("1")) // the client may know better
		}
	}
	if err := ann.Flush(); err != nil {
		t.Fatal(err)
	}
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
