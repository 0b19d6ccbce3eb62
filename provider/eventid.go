package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"unicode/utf8"

	"github.com/forebayhq/forebay/schema"
)

// EventID is the ID that a sender gave an event. Without one it is the SHA-256 of raw, the bytes that tell of the event;
// one that no message can carry, longer than [schema.MaxID] bytes or not UTF-8, becomes its own SHA-256: it is then as
// equal on repeats as it was. Hashes are in lower-case hex.
func EventID(id string, raw []byte) string {
	switch {
	case id == "":
		return hexHash(raw)
	case len(id) > schema.MaxID || !utf8.ValidString(id):
		return hexHash([]byte(id))
	}
	return id
}

func hexHash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
