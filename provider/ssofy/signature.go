package ssofy

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

const (
	header    = "Signature"
	maxHeader = 1 << 10 // bytes
)

// A signature is what the Signature header holds: base64 of {"hash":"<64 hex digits>","salt":"<text>"}.
type signature struct {
	hash string // of HMAC-SHA-256, lower-case hex
	salt string
	mac  [sha256.Size]byte // hash, decoded
}

// readSignature reads the header of a request. Its errors never repeat what the header says.
func readSignature(h http.Header) (signature, error) {
	text, err := provider.OneHeader(h, header)
	if err != nil {
		return signature{}, err
	}
	if len(text) > maxHeader {
		return signature{}, fmt.Errorf("header %s: longer than %d bytes", header, maxHeader)
	}
	object, err := decodeBase64(text)
	if err != nil {
		return signature{}, fmt.Errorf("header %s: %w", header, err)
	}
	s, err := parseSignature(object)
	if err != nil {
		return signature{}, fmt.Errorf("header %s: %w", header, err)
	}
	return s, nil
}

// Go's usual decoders pass over stray bits in the last digit: one signature would have several spellings.
var (
	padded   = base64.StdEncoding.Strict()
	unpadded = base64.RawStdEncoding.Strict()
)

// decodeBase64 decodes standard base64 with all of its padding or none, and without line ends, which Go would skip.
func decodeBase64(text string) ([]byte, error) {
	encoding := unpadded
	if strings.HasSuffix(text, "=") {
		encoding = padded
	}
	object, err := encoding.DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, errors.New("not base64")
	}
	return object, nil
}

func parseSignature(object []byte) (signature, error) {
	v, err := provider.ParseObject(object)
	if err != nil {
		return signature{}, err
	}
	if !v.WellFormed() {
		return signature{}, errors.New("half of a surrogate pair")
	}
	s := signature{hash: v.Get("hash").Text(), salt: v.Get("salt").Text()}
	if s.hash != strings.ToLower(s.hash) { // both official verifiers compare the text
		return signature{}, errors.New("hash: upper-case hex")
	}
	if s.mac, err = provider.HexSHA256(s.hash); err != nil {
		return signature{}, fmt.Errorf("hash: %w", err)
	}
	switch v.Get("salt").Kind() {
	case provider.KindText, provider.KindNull, provider.KindAbsent: // the last two mean the empty text
		return s, nil
	}
	return signature{}, errors.New("salt: not a text")
}

// sign gives the Signature header for a message, which is path and values, and a salt without characters to escape.
func sign(key *provider.Key, message, salt string) string {
	mac := key.Sum([]byte(message + salt))
	object := make([]byte, 0, 128)
	object = append(object, `{"hash":"`...)
	object = hex.AppendEncode(object, mac[:])
	object = append(object, `","salt":"`...)
	object = append(object, salt...)
	object = append(object, `"}`...)
	return base64.StdEncoding.EncodeToString(object)
}

// newSalt makes 24 random characters [0-9a-f]; SSOfy asks for 16 to 32.
func newSalt() string { return provider.RandomHex(12) }

// documentedSalt reports whether a salt has the form that SSOfy documents.
func documentedSalt(salt string) bool {
	other := func(r rune) bool { return r < ' ' || r > '~' }
	return len(salt) >= 6 && len(salt) <= 32 && strings.IndexFunc(salt, other) < 0
}
