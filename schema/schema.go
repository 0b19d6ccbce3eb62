// Package schema is the vocabulary of Forebay: events, actions, subjects, headers and sealed members, and their form
// on the wire.
package schema
