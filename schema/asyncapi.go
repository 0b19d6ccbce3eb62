package schema

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// An API is what one Forebay publishes, and to whom. It is described by an AsyncAPI document, for people and for
// generators of code.
type API struct {
	Broker    string   // where consumers connect, host:port: "127.0.0.1:4222"
	Stream    string   // "IDENTITY"
	Prefix    string   // the first token of subjects: "identity"
	Sources   []string // names; none: any
	Lifetimes map[Action]time.Duration
	Durables  []Durable
}

// A Durable is a declared consumer.
type Durable struct {
	Name        string
	Subjects    []string          // its filters, copies that are for it alone included
	Chooses     func(Action) bool // which events it gets
	Retry       []time.Duration   // how long after an attempt the next one comes; the last step repeats
	MaxAttempts int
	MaxAge      time.Duration // 0: any age will do
	Job         string        // what of Forebay handles its events; empty: a client of somebody's
}

// AsyncAPI describes the API as a document of AsyncAPI 3.0, in JSON. Each action is a channel with its subject as the
// address, each durable a channel whose address is made when a client asks for events. The same API is always the same
// document. https://www.asyncapi.com/docs/reference/specification/v3.0.0
func (a API) AsyncAPI() ([]byte, error) {
	schemas, err := eventSchemas()
	if err != nil {
		return nil, fmt.Errorf("describe events: %w", err)
	}
	d := document{
		AsyncAPI: "3.0.0", ID: "urn:forebay:stream:" + a.Stream, Info: a.info(), ContentType: "application/json",
		Servers:  map[string]any{"broker": map[string]any{"host": a.Broker, "protocol": "nats", "title": "NATS with JetStream"}},
		Channels: map[string]channel{}, Operations: map[string]operation{},
		Components: map[string]any{
			"messages": a.messages(), "messageTraits": map[string]any{"cloudevent": cloudEvent(), "dead": deadHeaders()},
			"parameters": a.parameters(), "schemas": schemas,
		},
	}
	for _, each := range append(Actions(), otherInfo()) {
		d.Channels[string(each.Action)] = a.channel(each)
		d.Operations["publish."+string(each.Action)] = operation{
			Action: "send", Channel: ref("channels", string(each.Action)), Summary: each.Meaning,
		}
	}
	for _, each := range a.Durables {
		name := "consumer." + each.Name
		d.Channels[name] = a.durable(each)
		d.Operations[name] = operation{Action: "send", Channel: ref("channels", name), Summary: "what consumer " + each.Name + " is handed"}
	}
	d.Channels["dead"] = a.dead()
	d.Operations["dead"] = operation{Action: "send", Channel: ref("channels", "dead"), Summary: "dead letters"}
	return json.MarshalIndent(d, "", "  ")
}

// What follows is the part of AsyncAPI 3.0 that is used here.

type document struct {
	AsyncAPI    string               `json:"asyncapi"`
	ID          string               `json:"id"`
	Info        map[string]any       `json:"info"`
	ContentType string               `json:"defaultContentType"`
	Servers     map[string]any       `json:"servers"`
	Channels    map[string]channel   `json:"channels"`
	Operations  map[string]operation `json:"operations"`
	Components  map[string]any       `json:"components"`
}

type channel struct {
	Address     *string        `json:"address"` // null: made when a client asks
	Title       string         `json:"title"`
	Description string         `json:"description,omitempty"`
	Parameters  map[string]any `json:"parameters,omitempty"`
	Messages    map[string]any `json:"messages"`
	Durable     any            `json:"x-durable,omitempty"`
}

type operation struct {
	Action  string            `json:"action"`
	Channel map[string]string `json:"channel"`
	Summary string            `json:"summary"`
}

type message struct {
	Name     string              `json:"name"`
	Title    string              `json:"title"`
	Summary  string              `json:"summary"`
	Traits   []map[string]string `json:"traits"`
	Payload  any                 `json:"payload"`
	Lifetime string              `json:"x-lifetime,omitempty"` // the stream forgets it then
	Urgent   bool                `json:"x-urgent,omitempty"`
}

// ref is a reference within the document.
func ref(path ...string) map[string]string {
	return map[string]string{"$ref": "#/" + strings.Join(path, "/")}
}

func (a API) info() map[string]any {
	return map[string]any{
		"title":   "Forebay",
		"version": "1.0.0",
		"description": "Events of identity providers in JetStream stream " + a.Stream + ". Read them through a durable that the " +
			"configuration declares, and acknowledge each. Secrets inside are sealed to the operator's key. Members and " +
			"actions that are not described here may come: ignore them.",
		"license": map[string]string{"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
	}
}

// otherInfo stands for every native action that no action of the catalogue fits. Its name is that of its channel.
func otherInfo() ActionInfo {
	return ActionInfo{Action: CategoryOther, Meaning: "a native action that no other action fits"}
}

func (a API) channel(info ActionInfo) channel {
	rest, parameters := string(info.Action), map[string]any{"source": ref("components", "parameters", "source")}
	if rest == CategoryOther {
		rest, parameters["native"] = "other.{native}", ref("components", "parameters", "native")
	}
	address := a.Prefix + ".{source}." + rest
	return channel{
		Address: &address, Title: string(info.Action), Parameters: parameters, Messages: messages(info.Action),
	}
}

func messages(actions ...Action) map[string]any {
	all := map[string]any{}
	for _, each := range actions {
		all[string(each)] = ref("components", "messages", string(each))
	}
	return all
}

func (a API) durable(d Durable) channel {
	settings := map[string]any{
		"stream": a.Stream, "durable": d.Name, "filter_subjects": d.Subjects, "ack_policy": "explicit",
		"max_deliver": d.MaxAttempts, "backoff": texts(d.Retry),
	}
	if d.MaxAge > 0 {
		settings["x-max-age"] = d.MaxAge.String()
	}
	if d.Job != "" {
		settings["x-job"] = d.Job
	}
	var chosen []Action
	for _, each := range Actions() {
		if d.Chooses(each.Action) {
			chosen = append(chosen, each.Action)
		}
	}
	if d.Chooses(CategoryOther + ".any") {
		chosen = append(chosen, CategoryOther)
	}
	return channel{
		Title:       "Durable " + d.Name,
		Description: "Pulled: each request for events has an inbox of its own. Copies that redrive and replay make come through it too.",
		Messages:    messages(chosen...), Durable: settings,
	}
}

func texts(steps []time.Duration) []string {
	all := make([]string, len(steps))
	for i, step := range steps {
		all[i] = step.String()
	}
	return all
}

// dead is where dead letters lie.
func (a API) dead() channel {
	address := a.Prefix + "-dead.{consumer}.{source}.{category}.{verb}"
	parameters := map[string]any{}
	for _, name := range []string{"consumer", "source", "category", "verb"} {
		parameters[name] = ref("components", "parameters", name)
	}
	return channel{
		Address: &address, Title: "Dead letters", Parameters: parameters, Messages: messages("dead"),
		Description: "Stream " + a.Stream + "_DEAD: events whose attempts ended without success.",
	}
}

func (a API) messages() map[string]message {
	all := map[string]message{"dead": deadLetter()}
	for _, info := range append(Actions(), otherInfo()) {
		m := message{
			Name: string(info.Action), Title: string(info.Action), Summary: info.Meaning, Urgent: info.Urgent,
			Traits: []map[string]string{ref("components", "messageTraits", "cloudevent")}, Payload: payload(info.Action),
		}
		if lifetime := a.Lifetimes[info.Action]; lifetime > 0 {
			m.Lifetime = lifetime.String()
		}
		all[m.Name] = m
	}
	return all
}

// payload is an event with this action.
func payload(action Action) any {
	is := map[string]any{"const": string(action)}
	if action == CategoryOther {
		is = map[string]any{"pattern": `^other\.`}
	}
	return map[string]any{"allOf": []any{
		ref("components", "schemas", "event"),
		map[string]any{"type": "object", "properties": map[string]any{"action": is}},
	}}
}

func (a API) parameters() map[string]any {
	source := map[string]any{"description": "the configured instance of a provider"}
	if len(a.Sources) > 0 {
		source["enum"] = a.Sources
	}
	return map[string]any{
		"source":   source,
		"native":   map[string]any{"description": "the native action, what is not a-z, 0-9 or _ replaced"},
		"consumer": map[string]any{"description": "the consumer whose attempts ended"},
		"category": map[string]any{"description": "the first token of the action"},
		"verb":     map[string]any{"description": "the second token of the action"},
	}
}
