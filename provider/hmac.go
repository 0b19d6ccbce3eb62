package provider

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"runtime"
)

// OneHeader is the value of a header that must be there exactly once and not be empty. Two values are refused: whoever
// reads the first and whoever reads the last would see different ones. Its errors name the header, never the value.
func OneHeader(h http.Header, name string) (string, error) {
	values := h[http.CanonicalHeaderKey(name)]
	switch {
	case len(values) == 0 || len(values) == 1 && values[0] == "":
		return "", fmt.Errorf("header %s: missing", name)
	case len(values) > 1:
		return "", fmt.Errorf("header %s: more than one value", name)
	}
	return values[0], nil
}

// HexSHA256 decodes a digest: exactly 64 hex digits, either case, nothing around them.
func HexSHA256(text string) (digest [sha256.Size]byte, err error) {
	if len(text) != hex.EncodedLen(len(digest)) {
		return digest, errors.New("digest: not 64 hex digits")
	}
	if _, err := hex.Decode(digest[:], []byte(text)); err != nil { // its text would repeat what the request says
		return digest, errors.New("digest: not hexadecimal")
	}
	return digest, nil
}

// A Key makes and checks HMACs (RFC 2104) with SHA-256. Many goroutines may use one.
type Key struct {
	secret string
	states chan *macState // at rest: one is costly to make and free to use again
}

// newKey keeps a state for each processor. A sync.Pool would drop them within two turns of the garbage collector: of ten
// thousand sources, nearly all would begin anew with each delivery.
func newKey(secret string) *Key {
	return &Key{secret: secret, states: make(chan *macState, runtime.GOMAXPROCS(0))}
}

type macState struct {
	hash.Hash
	sum [sha256.Size]byte
}

// HMACKeys are the secrets of a source as keys: their bytes as they are, never decoded. Missing or empty secrets are an
// error.
func (c Config) HMACKeys() ([]*Key, error) {
	if err := c.CheckSecrets(); err != nil {
		return nil, err
	}
	keys := make([]*Key, len(c.Secrets))
	for i, s := range c.Secrets {
		keys[i] = newKey(s)
	}
	return keys, nil
}

// Sum is the HMAC of message.
func (k *Key) Sum(message []byte) [sha256.Size]byte {
	s := k.state()
	s.Reset()
	s.Write(message)
	s.Sum(s.sum[:0])
	sum := s.sum
	select {
	case k.states <- s:
	default:
	}
	return sum
}

func (k *Key) state() *macState {
	select {
	case s := <-k.states:
		return s
	default:
		return &macState{Hash: hmac.New(sha256.New, []byte(k.secret))}
	}
}

// FindKey tries all keys, in constant time each, and gives the one under which mac fits message, nil where none does.
func FindKey(keys []*Key, message []byte, mac [sha256.Size]byte) *Key {
	for _, k := range keys {
		if sum := k.Sum(message); hmac.Equal(sum[:], mac[:]) {
			return k
		}
	}
	return nil
}

// A MAC is an HMAC that a request carries, and the hash it was made with.
type MAC struct {
	name string
	hash func() hash.Hash
	sum  []byte
}

// HexMAC decodes a MAC made with the hash of that name: sha256, sha384, sha512 or sha1, in small letters. The digits are
// as many as the hash asks for, either case, nothing around them. Its errors never repeat the digits.
func HexMAC(hash, digits string) (MAC, error) {
	m := MAC{name: hash, hash: HMACHash(hash)}
	if m.hash == nil {
		return MAC{}, errors.New("digest: unknown hash")
	}
	sum, err := hex.DecodeString(digits)
	if err != nil { // its text would repeat what the request says
		return MAC{}, errors.New("digest: not hexadecimal")
	}
	if len(sum) != m.hash().Size() {
		return MAC{}, fmt.Errorf("digest: not as long as one of %s", hash)
	}
	m.sum = sum
	return m, nil
}

// HMACHash is the hash of that name, in small letters: sha256, sha384, sha512 or sha1. Nil: none of them.
func HMACHash(name string) func() hash.Hash {
	switch name {
	case "sha256":
		return sha256.New
	case "sha384":
		return sha512.New384
	case "sha512":
		return sha512.New
	case "sha1": // weak, but unbroken in an HMAC (RFC 6194, section 3.3); a provider asks for it in so many words
		return sha1.New
	}
	return nil
}

// FindMAC is [FindKey] for a MAC of any hash.
func FindMAC(keys []*Key, message []byte, m MAC) *Key {
	for _, k := range keys {
		if hmac.Equal(k.sumWith(m, message), m.sum) {
			return k
		}
	}
	return nil
}

// sumWith is the HMAC of message with the hash of m. The usual hash has its states at hand.
func (k *Key) sumWith(m MAC, message []byte) []byte {
	if m.name == "sha256" {
		sum := k.Sum(message)
		return sum[:]
	}
	h := hmac.New(m.hash, []byte(k.secret))
	h.Write(message)
	return h.Sum(nil)
}
