package provider

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"sync"
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
	states sync.Pool // of *macState: a keyed state is costly to make and free to use again
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
		keys[i] = &Key{secret: s}
	}
	return keys, nil
}

// Sum is the HMAC of message.
func (k *Key) Sum(message []byte) [sha256.Size]byte {
	s, ok := k.states.Get().(*macState)
	if !ok {
		s = &macState{Hash: hmac.New(sha256.New, []byte(k.secret))}
	}
	defer k.states.Put(s)
	s.Reset()
	s.Write(message)
	s.Hash.Sum(s.sum[:0])
	return s.sum
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
