package schema

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-jose/go-jose/v4"
)

// A Sealer encrypts secrets to the operator's key: compact JWEs, ECDH-ES with A256GCM, that any JOSE library opens. It
// holds no private key. Several goroutines may use it.
type Sealer struct {
	text  jose.Encrypter
	value jose.Encrypter // what it encrypts is JSON, and the header says so
}

// NewSealer takes the recipient's JWK: an EC key on P-256, P-384 or P-521. Of a private key the public part is used.
// Where the key has no ID its RFC 7638 thumbprint becomes the "kid" of what is sealed. Its errors leave it to the caller to
// say whose key it is, and never repeat the key.
func NewSealer(recipientJWK []byte) (*Sealer, error) {
	key, err := parseKey(recipientJWK)
	if err != nil {
		return nil, err
	}
	if key.Use == "sig" {
		return nil, errors.New(`its "use" is "sig": a key for signatures`)
	}
	recipient := jose.Recipient{Algorithm: jose.ECDH_ES, Key: key.Public()}
	text, err := jose.NewEncrypter(jose.A256GCM, recipient, nil)
	if err != nil {
		return nil, err
	}
	value, err := jose.NewEncrypter(jose.A256GCM, recipient, new(jose.EncrypterOptions).WithContentType("json"))
	if err != nil {
		return nil, err
	}
	return &Sealer{text: text, value: value}, nil
}

// Seal encrypts text and returns a compact JWE.
func (s *Sealer) Seal(plain []byte) (string, error) { return encrypt(s.text, plain) }

// sealValue encrypts a JSON value: of a string its decoded text, of any other its JSON text with "cty": "json".
func (s *Sealer) sealValue(plain []byte, isText bool) (string, error) {
	if isText {
		return encrypt(s.text, plain)
	}
	return encrypt(s.value, plain)
}

func encrypt(e jose.Encrypter, plain []byte) (string, error) {
	object, err := e.Encrypt(plain)
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	compact, err := object.CompactSerialize()
	if err != nil {
		return "", fmt.Errorf("seal: %w", err)
	}
	return compact, nil
}

// OpenSealed decrypts what a [Sealer] made, with the private JWK of its recipient.
func OpenSealed(privateJWK []byte, compact string) ([]byte, error) {
	key, err := parseKey(privateJWK)
	if err != nil {
		return nil, fmt.Errorf("open sealed: key: %w", err)
	}
	if key.IsPublic() {
		return nil, errors.New("open sealed: key: public: the private one is needed")
	}
	object, err := jose.ParseEncryptedCompact(compact,
		[]jose.KeyAlgorithm{jose.ECDH_ES}, []jose.ContentEncryption{jose.A256GCM})
	if err != nil {
		return nil, errors.New("open sealed: not a compact JWE with ECDH-ES and A256GCM")
	}
	plain, err := object.Decrypt(key)
	if err != nil {
		if object.Header.KeyID != key.KeyID {
			return nil, fmt.Errorf("open sealed: sealed to key %q, not to %q", object.Header.KeyID, key.KeyID)
		}
		return nil, fmt.Errorf("open sealed: decrypt: %w", err)
	}
	return plain, nil
}

// Sealed gives the compact JWE of a sealed value, and whether it is one: {"sealed": "<JWE>"}.
func Sealed(value json.RawMessage) (compact string, ok bool) {
	var sealed struct {
		Sealed *string `json:"sealed"`
	}
	if json.Unmarshal(value, &sealed) != nil || sealed.Sealed == nil {
		return "", false
	}
	return *sealed.Sealed, true
}

// GenerateKey makes a key pair for sealing: two JWKs, P-256, whose "kid" is the RFC 7638 thumbprint.
func GenerateKey() (private, public []byte, err error) {
	generated, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	key := jose.JSONWebKey{Key: generated, Use: "enc"}
	if key.KeyID, err = thumbprint(key); err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	if private, err = key.MarshalJSON(); err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	if public, err = key.Public().MarshalJSON(); err != nil {
		return nil, nil, fmt.Errorf("generate key: %w", err)
	}
	return private, public, nil
}

// parseKey reads an EC JWK and gives it an ID where it has none. Its errors never repeat what the key says.
func parseKey(jwk []byte) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if !json.Valid(jwk) {
		return key, errors.New("not a JWK: not JSON")
	}
	if err := key.UnmarshalJSON(jwk); err != nil {
		return key, errors.New("not a JWK of a supported kind")
	}
	switch key.Key.(type) {
	case *ecdsa.PublicKey, *ecdsa.PrivateKey:
	default:
		return key, errors.New(`not an elliptic curve key ("kty": "EC", P-256, P-384 or P-521)`)
	}
	if !key.Valid() {
		return key, errors.New("not a point of its curve")
	}
	if key.KeyID != "" {
		return key, nil
	}
	var err error
	key.KeyID, err = thumbprint(key)
	return key, err
}

func thumbprint(key jose.JSONWebKey) (string, error) {
	sum, err := key.Thumbprint(crypto.SHA256)
	return base64.RawURLEncoding.EncodeToString(sum), err
}
