package schema

import (
	"encoding/json"
	"strings"
)

// headers describes headers by what each holds. Those named in required are always there.
func headers(meanings map[string]string, required ...string) map[string]any {
	properties := map[string]any{}
	for name, meaning := range meanings {
		properties[name] = map[string]any{"type": "string", "description": meaning}
	}
	return map[string]any{"type": "object", "properties": properties, "required": required}
}

// cloudEvent is what the messages of all actions have in common.
func cloudEvent() map[string]any {
	return map[string]any{
		"contentType": "application/json",
		"headers": headers(map[string]string{
			HeaderMsgID:           "<source>/<event id>; of a copy that redrive or replay made, another",
			HeaderTTL:             "how long the stream keeps it, where the action has a lifetime",
			HeaderTraceparent:     "W3C trace context of the delivery",
			HeaderSpecVersion:     "1.0",
			HeaderID:              "event ID, unique within its source",
			HeaderType:            "action",
			HeaderSource:          sourceURN + "<source>",
			HeaderSubject:         "the user's ID, if there is one",
			HeaderTime:            "when it happened, RFC 3339",
			HeaderDataContentType: "application/json",
			HeaderDataSchema:      SchemaID,
			HeaderProvider:        "the product that sent the event",
			HeaderNativeAction:    "the provider's own spelling of the action",
			HeaderReceivedTime:    "when Forebay received it, RFC 3339",
			HeaderOutcome:         "success, failure or unknown",
			"Forebay-Replay-Of":   "of a copy that redrive or replay made: the stream sequence of the event",
		}, HeaderMsgID, HeaderSpecVersion, HeaderID, HeaderType, HeaderSource, HeaderTime, HeaderDataContentType, HeaderDataSchema),
	}
}

// deadLetter is an event as it lies in the stream of dead letters.
func deadLetter() message {
	return message{
		Name: "dead", Title: "dead letter", Summary: "an event whose attempts ended without success",
		Traits:  []map[string]string{ref("components", "messageTraits", "cloudevent"), ref("components", "messageTraits", "dead")},
		Payload: ref("components", "schemas", "event"),
	}
}

// deadHeaders are those that a dead letter has beside its event's.
func deadHeaders() map[string]any {
	return map[string]any{"headers": headers(map[string]string{
		"Forebay-Dead-Consumer": "whose attempts ended",
		"Forebay-Dead-Reason":   "why",
		"Forebay-Dead-Attempts": "how many were made or begun",
		"Forebay-Dead-Seq":      "sequence of the event in its stream",
		"Forebay-Dead-Time":     "when the attempts ended, RFC 3339",
		"Forebay-Dead-TTL":      "the Nats-TTL that the event had",
	}, "Forebay-Dead-Consumer", "Forebay-Dead-Reason", "Forebay-Dead-Attempts", "Forebay-Dead-Seq", "Forebay-Dead-Time")}
}

// eventSchemas gives the schema of events and those that it refers to, as components. AsyncAPI resolves references from
// the root of its document, and by its default dialect nothing may stand beside one.
func eventSchemas() (map[string]any, error) {
	var event map[string]any
	if err := json.Unmarshal(EventSchema, &event); err != nil {
		return nil, err
	}
	all := map[string]any{}
	for name, each := range event["$defs"].(map[string]any) {
		all[name] = asComponent(each)
	}
	for _, name := range []string{"$schema", "$id", "$defs"} {
		delete(event, name)
	}
	all["event"] = asComponent(event)
	return all, nil
}

// asComponent rewrites the references inside a schema.
func asComponent(value any) any {
	switch value := value.(type) {
	case []any:
		for i, each := range value {
			value[i] = asComponent(each)
		}
	case map[string]any:
		for name, each := range value {
			value[name] = asComponent(each)
		}
		return withoutSiblings(value)
	}
	return value
}

// withoutSiblings moves a reference to where it stands alone.
func withoutSiblings(schema map[string]any) map[string]any {
	to, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	own := ref("components", "schemas", strings.TrimPrefix(to, "#/$defs/"))
	if len(schema) == 1 {
		return map[string]any{"$ref": own["$ref"]}
	}
	delete(schema, "$ref")
	schema["allOf"] = []any{own}
	return schema
}
