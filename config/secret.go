package config

import (
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// A Secret is text that is never printed: fmt, encoding/json, YAML and slog all write [redacted]. Convert it to a
// string to use it.
type Secret string

const redacted = "[redacted]"

// Format writes [redacted], whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// String gives [redacted].
func (Secret) String() string { return redacted }

// MarshalText gives [redacted].
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue gives [redacted].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// Secrets are the secrets of a source.
type Secrets []Secret

func (s *Secrets) decodeNode(d *decoder, key string, n ast.Node) {
	if d.secrets {
		d.list(key, n, reflect.ValueOf((*[]Secret)(s)).Elem())
	}
}

// checkSecrets reads the secrets of files, and refuses a source that has none and no options, or an empty one.
func (d *decoder) checkSecrets(key string, s *Source) {
	if !d.secrets {
		return
	}
	for i, secret := range s.Secrets {
		if secret == "" {
			d.fail(fmt.Sprintf("%s.secrets[%d]", key, i), "is empty")
		}
	}
	if s.SecretFile != "" {
		d.readSecret(key+".secret_file", s, s.SecretFile)
	}
	for i, file := range s.SecretFiles {
		d.readSecret(fmt.Sprintf("%s.secret_files[%d]", key, i), s, file)
	}
	// Options may name what stands in for a secret, a key set. Whether they do its provider knows, and refuses.
	if len(s.Secrets) == 0 && s.SecretFile == "" && len(s.SecretFiles) == 0 && s.Options == nil {
		d.fail(key, `needs a secret: "secrets: ["${NAME}"]" or "secret_file: FILE"`)
	}
}

func (d *decoder) readSecret(key string, s *Source, file Path) {
	d.checkPrivate(key, file)
	text, err := os.ReadFile(string(file))
	if err != nil {
		return // noted by checkPrivate
	}
	secret := cutNewline(string(text))
	if secret == "" {
		d.fail(key, "%s is empty", file)
		return
	}
	s.Secrets = append(s.Secrets, Secret(secret))
}

// cutNewline takes one newline off the end: editors and echo put it there.
func cutNewline(text string) string {
	if line, ok := strings.CutSuffix(text, "\r\n"); ok {
		return line
	}
	return strings.TrimSuffix(text, "\n")
}
