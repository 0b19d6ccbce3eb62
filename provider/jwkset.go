package provider

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// minRSA is the shortest RSA key that counts, in bits (RFC 7518, section 3.3).
const minRSA = 2048

// A keySet is a parsed set of public keys.
type keySet struct {
	keys    []jose.JSONWebKey
	fetched time.Time
}

// parseKeySet reads a set (RFC 7517, section 5). Keys that are not for us are passed over; at least one must be.
func parseKeySet(text []byte, now time.Time) (*keySet, error) {
	var document struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, errors.New("key set: not a JSON object with keys")
	}
	set := &keySet{fetched: now}
	for _, raw := range document.Keys {
		var key jose.JSONWebKey
		if key.UnmarshalJSON(raw) == nil && usable(key) {
			set.keys = append(set.keys, key)
		}
	}
	if len(set.keys) == 0 {
		return nil, errors.New("key set: no public key for signatures")
	}
	return set, nil
}

// usable reports whether a key verifies signatures: public, valid, long enough, and not set aside for encryption. A
// shared secret in a set is no secret.
func usable(key jose.JSONWebKey) bool {
	if !key.Valid() || !key.IsPublic() || key.Use != "" && key.Use != "sig" {
		return false
	}
	public, isRSA := key.Key.(*rsa.PublicKey)
	return !isRSA || public.N.BitLen() >= minRSA
}

// verify checks the signature of a token with the key that it names, or with the only one that fits.
func (s *keySet) verify(t Token) error {
	keys := s.fitting(t)
	if len(keys) == 0 {
		return errors.New("token: kid: no key of the set fits")
	}
	return t.verifyWith(keys)
}

// fitting gives the keys that may have signed a token.
func (s *keySet) fitting(t Token) []jose.JSONWebKey {
	var keys []jose.JSONWebKey
	for _, key := range s.keys {
		if (t.KeyID == "" || key.KeyID == t.KeyID) && fits(key, t.Algorithm) {
			keys = append(keys, key)
		}
	}
	if t.KeyID == "" && len(keys) > 1 {
		return nil // no guessing
	}
	return keys
}

// fits reports whether type, curve and alg of a key agree with an algorithm.
func fits(key jose.JSONWebKey, alg string) bool {
	if key.Algorithm != "" && key.Algorithm != alg {
		return false
	}
	switch public := key.Key.(type) {
	case *rsa.PublicKey:
		return alg[:2] == "RS" || alg[:2] == "PS"
	case *ecdsa.PublicKey:
		return alg == map[string]string{"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}[public.Curve.Params().Name]
	case ed25519.PublicKey:
		return alg == "EdDSA"
	}
	return false
}
