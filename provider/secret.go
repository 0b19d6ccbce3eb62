package provider

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
)

// DecodeSecret gives the key that a secret stands for: text takes its bytes as they are, base64, with its padding or
// without, and hex decode it. An empty key is an error. Its errors name option, which says the encoding, and never
// repeat the secret.
func DecodeSecret(secret, encoding, option string) (string, error) {
	var key []byte
	var err error
	switch encoding {
	case "text":
		key = []byte(secret)
	case "base64":
		key, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(secret, "="))
	case "hex":
		key, err = hex.DecodeString(secret)
	default:
		return "", fmt.Errorf("%s: not text, base64 or hex", option)
	}
	switch {
	case err != nil: // its text would repeat a part of the secret
		return "", fmt.Errorf("secrets: one is not %s, as %s says", encoding, option)
	case len(key) == 0:
		return "", errors.New("secrets: an empty key")
	}
	return string(key), nil
}
