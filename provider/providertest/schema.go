package providertest

import (
	"bytes"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// encode puts an event on the wire, sealing off, holds it to the schema of events and gives its JSON.
func encode(t *testing.T, c provider.Config, e schema.Event) []byte {
	t.Helper()
	m, err := wire(c, e, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := compile(t, decodeJSON(t, schema.EventSchema)).Validate(decodeJSON(t, m.Body)); err != nil {
		t.Errorf("event.schema.json: %v", err)
	}
	return m.Body
}

func wire(c provider.Config, e schema.Event, sealer *schema.Sealer) (schema.Message, error) {
	e.Source, e.Provider, e.Received = c.Source, "provider", c.Now()
	return schema.Wire{Prefix: "identity", Seal: sealer}.Encode(e, "")
}

// checkEdits holds Decode and schema.json to the same verdict over everything that is nearly r.
func (s Suite) checkEdits(t *testing.T, p provider.Provider, checker checker, r provider.Request) {
	t.Helper()
	for _, e := range s.edits(r.Body) {
		s.checkAgreement(t, p, checker, edited(r, func(r *provider.Request) { r.Body = e.body }))
	}
}

// checkAgreement holds Decode and schema.json to the same verdict over r.
func (s Suite) checkAgreement(t *testing.T, p provider.Provider, checker checker, r provider.Request) {
	t.Helper()
	_, decodes := p.Decode(r)
	body, conforms := jsonschema.UnmarshalJSON(bytes.NewReader(s.json(r.Body)))
	if conforms == nil {
		conforms = checker.Validate(body)
	}
	if (decodes == nil) != (conforms == nil) {
		t.Errorf("Decode says %v, schema.json says %v: %s", decodes, conforms, r.Body)
	}
}

func compile(t *testing.T, document any) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	const name = "urn:forebay:test"
	if err := c.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decodeJSON(t *testing.T, text []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}
