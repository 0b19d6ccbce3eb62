package provider

import (
	"crypto/sha256"
	"crypto/subtle"
)

// FindSecret reports whether got is one of the secrets. All are compared, each in constant time whatever its length.
func FindSecret(secrets []string, got string) bool {
	sum := sha256.Sum256([]byte(got))
	found := 0
	for _, secret := range secrets {
		want := sha256.Sum256([]byte(secret))
		found |= subtle.ConstantTimeCompare(sum[:], want[:])
	}
	return found == 1
}
