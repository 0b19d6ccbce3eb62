package config

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
)

// Development is the configuration without a file: webhooks, admin and NATS on loopback, one source for each provider,
// named after it, at /webhooks/ and that name, with a random secret.
//
// The secrets are made the first time they are asked for and kept in the data folder, secrets/ and the name of the
// source, mode 0600 in a folder of mode 0700; later calls and other processes read them there, also when both start at
// the same moment. Without keep they are others each time, and no file is made or read: for who only looks at
// something. data is the data folder; empty means ./data in the working folder.
func Development(data string, providers []string, keep bool) (*Config, error) {
	c := defaults()
	c.Data = Path(data)
	if data == "" {
		c.Data = defaultData
	}
	c.PublicURL = URL{&url.URL{Scheme: "http", Host: c.Listen}}
	for _, name := range providers {
		secret := Secret(newSecret())
		if keep {
			var err error
			if secret, err = c.developmentSecret(name); err != nil {
				return nil, fmt.Errorf("development secret of %s: %w", name, err)
			}
		}
		c.Sources = append(c.Sources, Source{
			Name:     name,
			Provider: name,
			Path:     "/webhooks/" + name,
			Secrets:  []Secret{secret},
			Where:    "development mode: " + name,
		})
	}
	c.complete()
	return c, nil
}

func (c *Config) developmentSecret(source string) (Secret, error) {
	folder := filepath.Join(string(c.Data), "secrets")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return "", err
	}
	text, err := once(filepath.Join(folder, source), 0o600, func() ([]byte, error) {
		return []byte(newSecret() + "\n"), nil
	})
	if err != nil {
		return "", err
	}
	secret := cutNewline(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty: remove it", filepath.Join(folder, source))
	}
	return Secret(secret), nil
}

// newSecret is random, and of a form that every provider takes: Standard Webhooks wants base64 behind a prefix, the others
// take any text.
func newSecret() string {
	key := make([]byte, 32)
	rand.Read(key) // never fails (crypto/rand)
	return "whsec_" + base64.StdEncoding.EncodeToString(key)
}
