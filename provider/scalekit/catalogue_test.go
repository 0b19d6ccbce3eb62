package scalekit_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

func TestCatalogue(t *testing.T) {
	known := make(map[schema.Action]bool)
	for _, a := range schema.Actions() {
		known[a.Action] = true
	}
	natives := newProvider(t, testSecret).(provider.Sampler).Natives()
	if len(natives) != 41+11 {
		t.Errorf("%d native actions, want the official 41 and the simplified 11", len(natives))
	}
	seen := make(map[string]bool)
	for _, n := range natives {
		if seen[n.Name] {
			t.Errorf("%s is listed twice", n.Name)
		}
		seen[n.Name] = true
		if !known[n.Action] && n.Action != schema.Other(n.Name) {
			t.Errorf("%s is %s, which is no action", n.Name, n.Action)
		}
		if unclassified := n.Action.Category() == schema.CategoryOther; unclassified && !strings.HasPrefix(n.Name, "connected_account.") {
			t.Errorf("%s is %s by mistake", n.Name, n.Action)
		}
	}
}

// A bodyDoc is what schema.json says about data: under which types, with which definition.
type bodyDoc struct {
	AllOf []struct {
		If struct {
			Properties struct{ Type struct{ Enum []string } }
		}
		Then struct {
			Properties struct {
				Data struct{ AnyOf []json.RawMessage }
			}
		}
	}
	Defs map[string]struct {
		Properties map[string]json.RawMessage
	} `json:"$defs"`
}

// Each documented type has one definition of data in schema.json, and its sample is what the definition says, without a
// member that is not in it.
func TestSamplesAreAsSchemaTells(t *testing.T) {
	var doc bodyDoc
	if err := json.Unmarshal(bodySchema, &doc); err != nil {
		t.Fatal(err)
	}
	definition := make(map[string]string)
	for _, part := range doc.AllOf {
		var ref struct {
			Ref string `json:"$ref"`
		}
		if err := json.Unmarshal(part.Then.Properties.Data.AnyOf[0], &ref); err != nil {
			t.Fatal(err)
		}
		for _, native := range part.If.Properties.Type.Enum {
			if definition[native] != "" {
				t.Errorf("%s has two definitions", native)
			}
			definition[native] = strings.TrimPrefix(ref.Ref, "#/$defs/")
		}
	}
	sampler := newProvider(t, testSecret).(provider.Sampler)
	for _, n := range sampler.Natives() {
		name := definition[n.Name]
		delete(definition, n.Name)
		r, err := sampler.Sample(n.Name)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Defs[name].Properties == nil {
			t.Errorf("schema.json does not tell what data of %s holds", n.Name)
			continue
		}
		data := dataOf(t, r.Body)
		if err := compile(t, name).Validate(data); err != nil {
			t.Errorf("%s: %v", n.Name, err)
		}
		for member := range data {
			if doc.Defs[name].Properties[member] == nil {
				t.Errorf("%s: data.%s is not in schema.json", n.Name, member)
			}
		}
	}
	if len(definition) > 0 {
		t.Errorf("schema.json tells of types that Natives does not list: %q", slices.Sorted(maps.Keys(definition)))
	}
}

func dataOf(t *testing.T, body []byte) map[string]any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	data, ok := v.(map[string]any)["data"].(map[string]any)
	if !ok {
		t.Fatalf("data is no object: %s", body)
	}
	return data
}

// compile gives one definition of schema.json, as a schema that refuses what is not so.
func compile(t *testing.T, definition string) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(bodySchema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	const name = "urn:forebay:schema:scalekit:1"
	if err := c.AddResource(name, document); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile(name + "#/$defs/" + definition)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
