package schema

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

func testAPI() API {
	return API{
		Broker: "127.0.0.1:4222", Stream: "IDENTITY", Prefix: "identity", Sources: []string{"ssofy"}, Lifetimes: Lifetimes(),
		Durables: []Durable{{
			Name: "codes", Subjects: []string{"identity.*.otp.requested"}, Retry: []time.Duration{time.Second}, MaxAttempts: 3,
			Chooses: func(a Action) bool { return a == "otp.requested" },
		}, {
			Name: "audit", Subjects: []string{"identity.*.*.*"}, Chooses: func(Action) bool { return true },
		}},
	}
}

func readAsyncAPI(t *testing.T) (text []byte, d map[string]any) {
	t.Helper()
	text, err := testAPI().AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	return text, d
}

// at follows names from the root of a document. Nil: there is nothing.
func at(d map[string]any, names ...string) any {
	var value any = d
	for _, name := range names {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value
}

func namesOf(value any) []string {
	object, _ := value.(map[string]any)
	return slices.Sorted(maps.Keys(object))
}

// Every reference leads somewhere, and stands alone, as AsyncAPI wants it.
func TestAsyncAPIReferences(t *testing.T) {
	_, d := readAsyncAPI(t)
	n := 0
	var visit func(path string, value any)
	visit = func(path string, value any) {
		switch value := value.(type) {
		case []any:
			for _, each := range value {
				visit(path+".#", each)
			}
		case map[string]any:
			if to, ok := value["$ref"].(string); ok {
				n++
				if len(value) > 1 {
					t.Errorf("%s: something stands beside its reference", path)
				}
				names := strings.Split(to, "/")
				if names[0] != "#" || at(d, names[1:]...) == nil {
					t.Errorf("%s: %s leads nowhere", path, to)
				}
			}
			for name, each := range value {
				visit(path+"."+name, each)
			}
		}
	}
	visit("", d)
	if n < 3*len(Actions()) {
		t.Errorf("%d references, too few for %d actions", n, len(Actions()))
	}
}

// Every action has its subject, and a durable gets what it chooses.
func TestAsyncAPIChannels(t *testing.T) {
	text, d := readAsyncAPI(t)
	for _, each := range Actions() {
		name := string(each.Action)
		if got, want := at(d, "channels", name, "address"), "identity.{source}."+name; got != want {
			t.Errorf("channel %s has the address %v, want %s", name, got, want)
		}
		if at(d, "components", "messages", name, "summary") != each.Meaning {
			t.Errorf("message %s does not say what it means", name)
		}
	}
	if got := at(d, "channels", "other", "address"); got != "identity.{source}.other.{native}" {
		t.Errorf("the channel of unknown actions has the address %v", got)
	}
	if got := namesOf(at(d, "channels", "consumer.codes", "messages")); !slices.Equal(got, []string{"otp.requested"}) {
		t.Errorf("codes is handed %q", got)
	}
	if got, want := len(namesOf(at(d, "channels", "consumer.audit", "messages"))), len(Actions())+1; got != want {
		t.Errorf("audit is handed %d kinds of messages, want %d", got, want)
	}
	if again, _ := readAsyncAPI(t); !bytes.Equal(text, again) {
		t.Error("the same API is another document")
	}
}

// The schemas of the document say of an event what the schema of events says.
func TestAsyncAPIEvent(t *testing.T) {
	text, _ := readAsyncAPI(t)
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft7)
	if err := c.AddResource("asyncapi.json", document); err != nil {
		t.Fatal(err)
	}
	requested, err := c.Compile("asyncapi.json#/components/messages/otp.requested/payload")
	if err != nil {
		t.Fatal(err)
	}
	good := `{"id": "1", "action": "otp.requested", "source": "ssofy", "provider": "ssofy", "native": "otp_requested",
		"time": "2026-03-01T12:00:00Z", "received": "2026-03-01T12:00:00Z", "outcome": "unknown", "semantics": "command", "payload": {}}`
	for _, c := range []struct {
		from, to string
		valid    bool
	}{
		{"", "", true},
		{`"otp.requested"`, `"otp.sent"`, false},
		{`"time": "2026-03-01T12:00:00Z"`, `"time": 5`, false},
		{`"payload": {}`, `"payload": {}, "user": {"email": 5}`, false},
		{`"payload": {}`, `"payload": {}, "user": {"password": {"sealed": "a.b.c.d.e"}}, "novelty": 1`, true},
	} {
		value, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.Replace(good, c.from, c.to, 1)))
		if err != nil {
			t.Fatal(err)
		}
		if err := requested.Validate(value); (err == nil) != c.valid {
			t.Errorf("%s for %s: %v", c.to, c.from, err)
		}
	}
}
