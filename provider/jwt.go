package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

var errSignature = errors.New("token: signature: does not fit")

// A Token is a signed token in compact form (RFC 7515), taken apart. Trust it after VerifyHMAC or [JWKS.Verify].
type Token struct {
	Algorithm string // alg: "RS256"; empty: none, which no check allows
	KeyID     string // kid; empty: none
	Type      string // typ; empty: none
	Payload   []byte // decoded, as it was written

	text      string
	signature []byte
}

// ParseToken takes a token apart: three parts in base64url without padding and stray bits, the first a JSON object
// without crit. Its errors never repeat the token.
func ParseToken(text string) (Token, error) {
	t := Token{text: text}
	parts := strings.Split(text, ".")
	switch len(parts) {
	case 3:
	case 5:
		return Token{}, errors.New("token: encrypted tokens are not supported")
	default:
		return Token{}, errors.New("token: not three parts")
	}
	var decoded [3][]byte
	for i, part := range parts {
		var err error
		if decoded[i], err = decodePart(part); err != nil {
			return Token{}, fmt.Errorf("token: part %d: %w", i+1, err)
		}
	}
	t.Payload, t.signature = decoded[1], decoded[2]
	return t, t.readHeader(decoded[0])
}

// decodePart is strict: one token has one spelling.
func decodePart(part string) ([]byte, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil || strings.ContainsAny(part, "\r\n") { // the decoder would skip them
		return nil, errors.New("not base64url")
	}
	return b, nil
}

// maxHeaderValues bounds a header, which strangers write. RFC 7515 has eleven parameters; one of them lists certificates.
const maxHeaderValues = 1000

func (t *Token) readHeader(text []byte) error {
	header, err := ParseBounded(text, maxHeaderValues)
	if err != nil {
		return fmt.Errorf("token: header: %w", err)
	}
	if header.Get("crit").Kind() != KindAbsent {
		return errors.New("token: crit is not supported")
	}
	t.Algorithm = header.Get("alg").Text()
	t.KeyID = headerText(header.Get("kid"))
	t.Type = headerText(header.Get("typ"))
	return nil
}

// headerText is the text of a header parameter. One that is there and says nothing, an empty text or another type, is not
// as good as absent: its JSON, which fits no configured value.
func headerText(v Value) string {
	if text := v.Text(); text != "" {
		return text
	}
	return string(v.Raw())
}

// AsymmetricAlgorithms are those that a key set can verify (RFC 7518, RFC 8037).
func AsymmetricAlgorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
}

// hmacAlgorithm gives the hash of an algorithm with a shared secret, empty for every other one.
func hmacAlgorithm(alg string) string {
	switch alg {
	case "HS256":
		return "sha256"
	case "HS384":
		return "sha384"
	case "HS512":
		return "sha512"
	}
	return ""
}

// VerifyHMAC checks the signature with shared secrets; all are tried. Algorithms are those of HS256, HS384 and HS512
// that may come.
func (t Token) VerifyHMAC(algorithms []string, keys []*Key) error {
	name := hmacAlgorithm(t.Algorithm)
	if name == "" || !slices.Contains(algorithms, t.Algorithm) {
		return errors.New("token: alg: not an allowed one")
	}
	m := MAC{name: name, hash: HMACHash(name), sum: t.signature}
	signed := t.text[:strings.LastIndexByte(t.text, '.')]
	if FindMAC(keys, []byte(signed), m) == nil {
		return errSignature
	}
	return nil
}

// verifyWith checks the signature with public keys that fit the algorithm; one must have made it.
func (t Token) verifyWith(keys []jose.JSONWebKey) error {
	signed, err := jose.ParseSignedCompact(t.text, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(t.Algorithm)})
	if err != nil { // its text would repeat what the request says
		return errors.New("token: not a signed token")
	}
	for _, key := range keys {
		if _, err := signed.Verify(key); err == nil {
			return nil
		}
	}
	return errSignature
}
