package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/forebayhq/forebay/schema"
)

// SealKeyFile is where the private key is that EnsureSealKey makes: seal.jwk in the data folder.
func (c *Config) SealKeyFile() string { return filepath.Join(string(c.Data), "seal.jwk") }

// EnsureSealKey gives Seal a recipient where the file leaves it out: seal.pub.jwk in the data folder. If that is not
// there it is made, and with it the private key, seal.jwk, mode 0600. Neither is ever overwritten, so the private key
// may be moved to where it is safe. With sealing off, or a recipient in the file, it does nothing.
func (c *Config) EnsureSealKey() error {
	if c.Seal.Off || c.Seal.Recipient != "" {
		return nil
	}
	if c.NATS.External() {
		return errors.New("seal: a broker of your own needs a recipient, or off")
	}
	if err := os.MkdirAll(string(c.Data), 0o700); err != nil {
		return fmt.Errorf("%s: make data folder: %w: set data to a folder of yours, or change the owner of that one",
			cmp.Or(c.dataWhere, "data"), err)
	}
	public := filepath.Join(string(c.Data), "seal.pub.jwk")
	if _, err := once(public, 0o644, c.publicSealKey); err != nil {
		return fmt.Errorf("make seal key: %w", err)
	}
	c.Seal.Recipient = Path(public)
	return nil
}

// publicSealKey gives the public half of the private key on disk, which it makes if there is none. Taken from the file
// and not from where it was made, the two halves fit also when two processes start at once, or one died in between.
func (c *Config) publicSealKey() ([]byte, error) {
	private, err := once(c.SealKeyFile(), 0o600, func() ([]byte, error) {
		private, _, err := schema.GenerateKey()
		return private, err
	})
	if err != nil {
		return nil, err
	}
	return publicHalf(private)
}

// publicHalf takes the private member out of a JWK of type EC.
// https://www.rfc-editor.org/rfc/rfc7518#section-6.2.2
func publicHalf(private []byte) ([]byte, error) {
	var key map[string]json.RawMessage
	if err := json.Unmarshal(private, &key); err != nil {
		return nil, errors.New("the private key is not a JWK") // the cause may show a part of it
	}
	if string(key["kty"]) != `"EC"` {
		return nil, errors.New("the private key is not of type EC")
	}
	delete(key, "d")
	return json.Marshal(key)
}

// isPrivateKey reports whether a file is a JWK with its private member.
// https://www.rfc-editor.org/rfc/rfc7518#section-6.2.2
func isPrivateKey(file Path) bool {
	text, err := os.ReadFile(string(file))
	if err != nil {
		return false
	}
	var key struct {
		D string `json:"d"`
	}
	return json.Unmarshal(text, &key) == nil && key.D != ""
}

// Sealer gives what seals to the recipient, or nil if sealing is off. Call EnsureSealKey first.
func (c *Config) Sealer() (*schema.Sealer, error) {
	if c.Seal.Off {
		return nil, nil
	}
	recipient, err := os.ReadFile(string(c.Seal.Recipient))
	if errors.Is(err, fs.ErrNotExist) || c.Seal.Recipient == "" {
		return nil, fmt.Errorf("seal.recipient: no key at %q", c.Seal.Recipient)
	}
	if err != nil {
		return nil, fmt.Errorf("seal.recipient: %w", err)
	}
	sealer, err := schema.NewSealer(recipient)
	if err != nil {
		return nil, fmt.Errorf("seal.recipient %s: %w", c.Seal.Recipient, err)
	}
	return sealer, nil
}
