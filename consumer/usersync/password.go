package usersync

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

const (
	saltBytes = 16
	hashBytes = 32
)

// addPassword sets the hash of the password that an event brings. The user may be known by a token alone: then it sets
// the hash of that.
func (j *job) addPassword(c *change, m *consumer.Message, user schema.User) error {
	e := m.Event
	if e.Action == "password.reset" && e.Semantics == schema.Command {
		if err := j.addReset(c, e, user); err != nil {
			return err
		}
	}
	if removed(user.Password) || j.options.Passwords == ignorePasswords {
		return nil
	}
	plain, err := j.secret("user.password", user.Password)
	if err != nil {
		return err
	}
	c.set.put("password_hash", j.options.Argon2id.hash(plain))
	c.set.put("password_changed_at", happened(m))
	return nil
}

// addReset reads the command to set a password.
func (j *job) addReset(c *change, e schema.Event, user schema.User) error {
	if removed(user.Password) {
		return errors.New("it asks to set a password and holds none")
	}
	if user.ID != "" {
		return nil
	}
	if e.Token == nil || removed(e.Token.Value) {
		return errors.New("it asks to set a password and names neither a user nor a token")
	}
	if _, sealed := schema.Sealed(e.Token.Value); sealed && j.open == nil && j.options.Passwords == ignorePasswords {
		return errNotOurs
	}
	token, err := j.secret("token.value", e.Token.Value)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(token)
	c.token = sum[:]
	return nil
}

// errNotOurs is that passwords are left alone, and that without the private key nobody can tell whose it is.
var errNotOurs = errors.New("passwords are ignored")

// secret is the text of a member that may be sealed. Its errors hold nothing of it.
func (j *job) secret(member string, value json.RawMessage) ([]byte, error) {
	sealed, ok := schema.Sealed(value)
	if !ok {
		var text string
		if json.Unmarshal(value, &text) != nil {
			return nil, fmt.Errorf("%s: is no text", member)
		}
		return []byte(text), nil
	}
	if j.open == nil {
		return nil, fmt.Errorf("%s: is sealed, and the private key is not here: give it to the forebay that runs this "+
			"consumer, or set passwords: ignore", member)
	}
	text, err := j.open(sealed)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", member, err)
	}
	return text, nil
}

// clearPassword reports whether an event holds a password that is not sealed.
func clearPassword(e schema.Event) bool {
	for _, u := range append(users(e), e.Members...) {
		if _, sealed := schema.Sealed(u.Password); !removed(u.Password) && !sealed {
			return true
		}
	}
	return false
}

// hash makes a PHC string: $argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>
// (github.com/P-H-C/phc-string-format, RFC 9106).
func (a Argon2id) hash(password []byte) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt) // never fails (crypto/rand)
	sum := argon2.IDKey(password, salt, a.Passes, a.Memory, a.Threads, hashBytes)
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, a.Memory, a.Passes, a.Threads, encode(salt), encode(sum))
}
