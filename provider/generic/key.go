package generic

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// take gives the secrets that a verifier asks for by number, from 1; nil asks for all. There is at least one, and none
// is empty.
func (b *builder) take(numbers []int) ([]string, error) {
	b.takers++
	if len(b.secrets) == 0 {
		return nil, errors.New("secrets: the source has none")
	}
	if numbers == nil {
		b.all++
		return b.secrets, nil
	}
	if len(numbers) == 0 {
		return nil, errors.New("secrets: empty")
	}
	taken := make([]string, len(numbers))
	for i, n := range numbers {
		if n < 1 || n > len(b.secrets) {
			return nil, fmt.Errorf("secrets: the source has none with the number %d", n)
		}
		taken[i], b.used[n] = b.secrets[n-1], true
	}
	return taken, nil
}

// keys are the secrets that a verifier asks for, decoded.
func (b *builder) keys(numbers []int, encoding, prefix string) ([]string, error) {
	secrets, err := b.take(numbers)
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(secrets))
	for i, secret := range secrets {
		rest, ok := strings.CutPrefix(secret, prefix)
		if !ok {
			return nil, errors.New("secrets: one does not begin with key_prefix")
		}
		if keys[i], err = provider.DecodeSecret(rest, or(encoding, "text"), "key_encoding"); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// A codec is a spelling of bytes. Decoding is strict: one value has one spelling, the case of hex digits aside.
type codec struct {
	encode func([]byte) string
	decode func(string) ([]byte, error)
}

// newCodec knows hex, base64 and base64url, the latter without padding.
func newCodec(name string) (codec, error) {
	switch name {
	case "hex":
		return codec{hex.EncodeToString, hex.DecodeString}, nil
	case "base64":
		return base64Codec(base64.StdEncoding), nil
	case "base64url":
		return base64Codec(base64.RawURLEncoding), nil
	}
	return codec{}, errors.New("encoding: not hex, base64 or base64url")
}

func base64Codec(e *base64.Encoding) codec {
	return codec{e.EncodeToString, func(text string) ([]byte, error) {
		if strings.ContainsAny(text, "\r\n") { // the decoder would skip them
			return nil, errors.New("line break")
		}
		return e.Strict().DecodeString(text)
	}}
}

// or is value, or the default where it is empty.
func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
