// Package schema is the vocabulary of Forebay: events, actions, subjects, headers and sealed members, and their form
// on the wire.
//
// [Wire.Encode] is the way onto the wire and [Parse] the way back. A provider's [Event] is validated, written as one JSON
// object whose payload keeps its bytes, and its sensitive members are sealed; subject and headers tell consumers what it
// is without reading it.
package schema

import (
	_ "embed" // for EventSchema
)

// SchemaID names the schema of an event's JSON: the $id of [EventSchema] and the ce-dataschema of every event.
const SchemaID = "urn:forebay:schema:event:1"

// EventSchema is the JSON Schema (draft 2020-12) of an event's JSON. Nobody writes to it.
//
//go:embed event.schema.json
var EventSchema []byte
