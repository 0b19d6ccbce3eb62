package otp

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// A Challenge is what the bucket <stream>_OTP keeps of a code, as JSON under the key
// <source>.<lower-case hex SHA-256 of the option's ID>. There is one for each option: a new code replaces the old.
//
// To check a code in another program: read the entry and its revision; refuse it when Expires is past or the user is
// another; compute MAC and compare in constant time. If it is right, delete the entry on condition of the revision (the
// header Nats-Expected-Last-Subject-Sequence), and accept the code only if that succeeds. If it is wrong, write the entry
// with one more in Wrong on the same condition, or delete it when Wrong has reached Guesses. When the condition fails,
// begin again. Answer only after the write: that is what makes guesses in parallel count.
type Challenge struct {
	Salt    string    `json:"salt"` // 16 random bytes, lower-case hex
	MAC     string    `json:"mac"`  // HMAC-SHA-256(Options.Key, the 16 bytes of Salt, then the code as UTF-8), lower-case hex
	Expires time.Time `json:"expires"`
	Wrong   int       `json:"wrong"`          // guesses so far
	Guesses int       `json:"guesses"`        // so many wrong ones end the code
	User    string    `json:"user,omitempty"` // the ID of the user whom the code is for
}

// codes is the bucket of challenges.
type codes struct {
	bucket
	key      []byte
	guesses  int
	lifetime time.Duration
	now      func() time.Time
}

// keyOf is where the challenge of an option lies.
func keyOf(source, option string) string {
	sum := sha256.Sum256([]byte(option))
	return source + "." + hex.EncodeToString(sum[:])
}

func (s *codes) mac(salt []byte, code string) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(salt)
	h.Write([]byte(code))
	return h.Sum(nil)
}

// put keeps a code. It replaces the one before it of the same option.
func (s *codes) put(ctx context.Context, r *request, code string) error {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails, by its documentation
	text, err := json.Marshal(Challenge{
		Salt: hex.EncodeToString(salt), MAC: hex.EncodeToString(s.mac(salt, code)),
		Expires: s.now().Add(s.lifetime).UTC(), Guesses: s.guesses, User: r.user.ID,
	})
	if err == nil {
		err = s.store(ctx, keyOf(r.source, r.option), text)
	}
	if err != nil {
		return fmt.Errorf("keep the code: %w", err)
	}
	return nil
}

func (s *codes) store(ctx context.Context, key string, text []byte) error {
	kv, err := s.open(ctx)
	if err != nil {
		return err
	}
	_, err = kv.Put(ctx, key, text)
	s.forget(err)
	return err
}

// A guess is a code that somebody offers.
type guess struct {
	source, option string
	user           string // empty: any
	code           string
}

// check reports whether a guess is right, and uses the code up if it is. Whatever the answer is, it takes one read, one
// HMAC and one write, as long as nobody else writes: a code that does not exist costs what a wrong one costs.
func (s *codes) check(ctx context.Context, g guess) (bool, error) {
	kv, err := s.open(ctx)
	if err != nil {
		return false, err
	}
	for {
		right, err := s.try(ctx, kv, g)
		if !errors.Is(err, jetstream.ErrKeyRevisionMismatch) {
			s.forget(err)
			return right, err
		}
	}
}

func (s *codes) try(ctx context.Context, kv jetstream.KeyValue, g guess) (bool, error) {
	key := keyOf(g.source, g.option)
	c, revision, err := load(ctx, kv, key)
	if err != nil {
		return false, err
	}
	right := s.right(c, g) && revision > 0
	switch c.Wrong++; {
	case revision == 0:
		_, err = kv.Put(ctx, decoy, []byte("{}"))
	case right || c.Wrong >= c.Guesses:
		err = kv.Delete(ctx, key, jetstream.LastRevision(revision))
	default:
		err = update(ctx, kv, key, c, revision)
	}
	return right && err == nil, err
}

// decoy is the key that is written for codes that do not exist.
const decoy = "decoy"

// right compares in constant time. Of a challenge that does not exist all members are empty.
func (s *codes) right(c Challenge, g guess) bool {
	salt, _ := hex.DecodeString(c.Salt) // what is no hex is nobody's salt
	want, _ := hex.DecodeString(c.MAC)
	same := hmac.Equal(s.mac(salt, g.code), want)
	theirs := g.user == "" || hmac.Equal([]byte(g.user), []byte(c.User))
	return same && theirs && s.now().Before(c.Expires)
}

// load reads a challenge. Revision 0 means that there is none.
func load(ctx context.Context, kv jetstream.KeyValue, key string) (c Challenge, revision uint64, err error) {
	entry, err := kv.Get(ctx, key)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return c, 0, nil
	}
	if err != nil {
		return c, 0, err
	}
	if err := json.Unmarshal(entry.Value(), &c); err != nil {
		return c, 0, fmt.Errorf("read challenge %s: %w", key, err)
	}
	return c, entry.Revision(), nil
}

func update(ctx context.Context, kv jetstream.KeyValue, key string, c Challenge, revision uint64) error {
	text, err := json.Marshal(c)
	if err != nil {
		return err
	}
	_, err = kv.Update(ctx, key, text, revision)
	return err
}
