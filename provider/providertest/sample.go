package providertest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

type checker = *jsonschema.Schema

// testSamples sends each documented native action around: made, signed, verified, decoded.
func (s Suite) testSamples(t *testing.T, checker checker) {
	p := s.make(t, s.sampleConfig(t))
	sampler, ok := p.(provider.Sampler)
	if !ok {
		t.Fatal("the provider is no Sampler")
	}
	if len(sampler.Natives()) == 0 {
		t.Fatal("no native actions")
	}
	for _, n := range sampler.Natives() {
		t.Run(n.Name, func(t *testing.T) { s.testSample(t, p, n, checker) })
	}
	if _, err := sampler.Sample("no such native action"); err == nil {
		t.Error("a sample of no native action: no error")
	}
}

func (s Suite) testSample(t *testing.T, p provider.Provider, n provider.Native, checker checker) {
	first, r := travel(t, p, n)
	second, _ := travel(t, p, n)
	if first.ID == second.ID {
		t.Errorf("two samples have the ID %q: the second would be a duplicate", first.ID)
	}
	checkEvent(t, first)
	encode(t, s.sampleConfig(t), first)
	s.checkAgreement(t, p, checker, r)
	s.checkEdits(t, p, checker, r)
	checkSealed(t, s.sampleConfig(t), first)
}

// travel makes, signs, verifies and decodes a sample.
func travel(t *testing.T, p provider.Provider, n provider.Native) (schema.Event, provider.Request) {
	t.Helper()
	r, err := p.(provider.Sampler).Sample(n.Name)
	if err != nil {
		t.Fatalf("Sample: %v", err)
	}
	if p.Verify(r) == nil {
		t.Error("an unsigned sample is accepted")
	}
	if err := p.(provider.Signer).Sign(&r); err != nil {
		t.Fatalf("Sign: %v", err)
	}
	if err := p.Verify(r); err != nil {
		t.Fatalf("Verify what Sign signed: %v", err)
	}
	e := Decode(t, p, r)
	if e.Action != n.Action || e.Native != n.Name {
		t.Errorf("got %s of %s, want %s of %s", e.Action, e.Native, n.Action, n.Name)
	}
	if !bytes.Contains(r.Body, e.Payload) && e.JWS == "" {
		t.Errorf("payload is no part of the body: %s", e.Payload)
	}
	return e, r
}

// checkEvent holds a decoded event to what every provider owes.
func checkEvent(t *testing.T, e schema.Event) {
	t.Helper()
	if e.ID == "" || e.Native == "" && e.Action != schema.Other("") || !e.Action.Valid() {
		t.Errorf("id %q, native %q, action %q: one is empty or wrong", e.ID, e.Native, e.Action)
	}
	if e.Source != "" || e.Provider != "" || !e.Received.IsZero() {
		t.Error("source, provider and received are not for Decode to fill")
	}
	switch e.Semantics {
	case schema.Command:
		if e.Outcome != schema.Unknown {
			t.Errorf("outcome of a command: %q, want unknown", e.Outcome)
		}
	case schema.Notice:
	default:
		t.Errorf("semantics %q", e.Semantics)
	}
	if e.Action.Category() == "other" {
		sensitive := make(map[schema.Member]bool)
		for _, m := range e.Sensitive {
			sensitive[m] = true
		}
		if !sensitive["**.password"] || !sensitive["payload.**.token"] {
			t.Errorf("an unknown event's passwords and tokens are not sealed: %q", e.Sensitive)
		}
	}
}

// checkSealed encodes e with sealing on: no text that is named password may be left in clear.
func checkSealed(t *testing.T, c provider.Config, e schema.Event) {
	t.Helper()
	m, err := wire(c, e, Sealer(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range named(decodeJSON(t, e.Payload), "password") {
		if strings.Contains(string(m.Body), secret) {
			t.Errorf("%s: a password is in clear", e.Native)
		}
	}
}

// named gives every text that stands under name, at any depth.
func named(v any, name string) []string {
	var found []string
	switch v := v.(type) {
	case []any:
		for _, element := range v {
			found = append(found, named(element, name)...)
		}
	case map[string]any:
		for key, member := range v {
			if text, ok := member.(string); ok && key == name {
				found = append(found, text)
			}
			found = append(found, named(member, name)...)
		}
	}
	return found
}
