package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	const leak = "hunter2"
	path := write(t, `
seal: off
nats: {url: x, user: u, password: hunter2}
sources:
  a: {provider: ssofy, secrets: [hunter2], secret_file: f, ssofy: {key: hunter2}}
`, "f", leak)
	c := load(t, path)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
		fmt.Fprintf(&out, verb+"\n", c)
		fmt.Fprintf(&out, verb+"\n", *c)
		fmt.Fprintf(&out, verb+"\n", c.NATS.Password)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("m", "config", c, "value", *c, "source", c.Sources[0], "secret", c.NATS.Password)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Error(err)
	}
	asYAML, err := yaml.Marshal(c.Sources[0].Secrets)
	if err != nil {
		t.Error(err)
	}
	out.Write(asJSON)
	out.Write(asYAML)
	out.WriteString(c.NATS.Password.String())
	for _, form := range []string{leak, fmt.Sprintf("%x", leak), fmt.Sprintf("%X", leak), "104 117"} {
		if strings.Contains(out.String(), form) {
			t.Errorf("printed as %s", form)
		}
	}
	if !strings.Contains(out.String(), redacted) {
		t.Error("nothing was redacted")
	}
}
