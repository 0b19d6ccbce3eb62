package broker

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A User is a client of the embedded server that may do one thing: work off durables. It is in a NATS account of its
// own, into which nothing is imported but what that takes. So it reads no other durable, no stream and no inbox of
// another client, and whatever else it publishes stays with it. Rights on subjects would not do: whoever may fetch
// could have the answer sent to any subject, that of an event included.
//
// One request for events may wait for two minutes without a heartbeat; after that the server has forgotten whom to
// answer.
type User struct {
	Name, Password string
	Durables       []string // of Config.Stream: "audit"
}

// checkUsers refuses users that could not log in, and two that share a name.
func checkUsers(c Config) error {
	names := map[string]bool{c.User: true}
	switch {
	case len(c.Users) == 0:
		return nil
	case c.URL != "":
		return errors.New("nats.users is for the embedded server: your own has users of its own")
	case c.User == "":
		return errors.New("nats.users needs nats.user and nats.password, by which forebay's commands and you log in")
	case c.Stream == "":
		return errors.New("nats.users: no stream is set")
	}
	for _, u := range c.Users {
		if names[u.Name] {
			return fmt.Errorf("nats.users: there are two users %s", u.Name)
		}
		if names[u.Name] = true; u.Password == "" || u.Name == "" {
			return fmt.Errorf("nats.users: user %q has no name or no password", u.Name)
		}
	}
	return nil
}

// A door lets clients of the embedded server in: as the operator, who may do everything, or as a user.
type door struct {
	operator pass
	users    map[string]pass
	ready    chan struct{} // closed once the accounts of users are there
}

// A pass is a password, hashed so that comparing takes as long for any, and who gets in with it.
type pass struct {
	password [sha256.Size]byte
	user     *server.User
}

// doorTime is how long a client that comes while the server starts is kept waiting. One that is refused twice gives up
// for good.
const doorTime = time.Second

func newDoor(c Config) *door {
	d := &door{
		operator: pass{sha256.Sum256([]byte(c.Password)), &server.User{Username: c.User}}, // in the server's own account
		users:    map[string]pass{},
		ready:    make(chan struct{}),
	}
	for _, u := range c.Users {
		d.users[u.Name] = pass{sha256.Sum256([]byte(u.Password)), &server.User{Username: u.Name}}
	}
	return d
}

// Check is what the server asks of everybody who connects.
func (d *door) Check(c server.ClientAuthentication) bool {
	said := c.GetOpts()
	l, known := d.users[said.Username]
	if !known {
		l = d.operator
	}
	given := sha256.Sum256([]byte(said.Password))
	right := subtle.ConstantTimeCompare(given[:], l.password[:]) == 1
	if !right || said.Username != l.user.Username || known && !d.opened() {
		return false
	}
	c.RegisterUser(l.user)
	return true
}

func (d *door) opened() bool {
	select {
	case <-d.ready:
		return true
	case <-time.After(doorTime):
		return false
	}
}

// open makes the accounts of users on a server that runs: made before, they would keep JetStream off ours.
func (d *door) open(s *server.Server, c Config) error {
	operator := s.GlobalAccount()
	for _, u := range c.Users {
		account, err := s.RegisterAccount("forebay-user-" + u.Name)
		if err != nil {
			return fmt.Errorf("make the account of user %s: %w", u.Name, err)
		}
		for _, durable := range u.Durables {
			if err := grant(operator, account, c.Stream, durable); err != nil {
				return fmt.Errorf("let user %s work off %s: %w", u.Name, durable, err)
			}
		}
		d.users[u.Name].user.Account = account
	}
	close(d.ready)
	return nil
}

// grant gives an account what a client of one durable sends: to find it, to fetch from it, and to answer. The last is
// the form of nats-server 2.14 and later.
func grant(operator, account *server.Account, stream, durable string) error {
	for subject, responses := range map[string]server.ServiceRespType{
		"$JS.API.CONSUMER.INFO." + stream + "." + durable:     server.Singleton,
		"$JS.API.CONSUMER.MSG.NEXT." + stream + "." + durable: server.Streamed,
		"$JS.ACK." + stream + "." + durable + ".>":            server.Singleton,
		"$JS.ACK.*.*." + stream + "." + durable + ".>":        server.Singleton,
	} {
		// An export that is there already is shared: two users may work off one durable.
		if err := operator.AddServiceExportWithResponse(subject, responses, nil); err != nil {
			return err
		}
		if err := account.AddServiceImport(operator, subject, subject); err != nil {
			return err
		}
	}
	return nil
}
