package ssofy_test

import (
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"maps"
	"testing"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/provider/providertest"
	"github.com/forebayhq/forebay/provider/ssofy"
)

//go:embed schema.json
var bodySchema []byte

func TestProvider(t *testing.T) {
	providertest.Run(t, providertest.Suite{
		New:    ssofy.New,
		Schema: bodySchema,
		Config: "secrets: [test-secret-4f1d9c7e2b]\npath: /webhooks/ssofy",
		Tamper: tamperSignature,
	})
}

// tamperSignature changes what is inside the Signature header.
func tamperSignature(r provider.Request) map[string]provider.Request {
	return map[string]provider.Request{
		"salt longer":  withSignature(r, func(s map[string]any) { s["salt"], _ = addText(s["salt"], "x") }),
		"salt removed": withSignature(r, func(s map[string]any) { delete(s, "salt") }),
		"salt number":  withSignature(r, func(s map[string]any) { s["salt"] = 123456 }),
		"hash longer":  withSignature(r, func(s map[string]any) { s["hash"], _ = addText(s["hash"], "0") }),
		"hash removed": withSignature(r, func(s map[string]any) { delete(s, "hash") }),
		"further":      withSignature(r, func(s map[string]any) { s["further"] = "member" }),
	}
}

func addText(v any, more string) (any, bool) {
	text, ok := v.(string)
	return text + more, ok
}

// withSignature gives r with another object in its Signature header.
func withSignature(r provider.Request, edit func(map[string]any)) provider.Request {
	var object map[string]any
	text, err := base64.StdEncoding.DecodeString(r.Header.Get("Signature"))
	if err == nil && json.Unmarshal(text, &object) == nil {
		edit(object)
	}
	text, err = json.Marshal(object)
	if err != nil {
		panic(err) // it was JSON before
	}
	r.Header = maps.Clone(r.Header)
	r.Header["Signature"] = []string{base64.StdEncoding.EncodeToString(text)}
	return r
}
