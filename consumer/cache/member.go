package cache

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"text/template/parse"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// A member is what is known of a value in an event's JSON, by the Go type that it is made of. Nil: anything goes, as in
// payload and among custom claims.
type member = reflect.Type

// theEvent is the dot at the beginning of a template.
func theEvent() member { return reflect.TypeFor[schema.Event]() }

// inside follows names into a value. An error is that an event never has it: it would never yield anything, and nobody
// would know.
func inside(m member, names []string) (member, error) {
	for i, name := range names {
		if m = solid(m); m == nil {
			return nil, nil
		}
		next, ok := named(m, name)
		if !ok {
			return nil, fmt.Errorf("an event has no member %q; names are those of its JSON", strings.Join(names[:i+1], "."))
		}
		m = next
	}
	return m, nil
}

// solid looks behind pointers. What is JSON of any shape is nil.
func solid(m member) member {
	for m != nil && m.Kind() == reflect.Pointer {
		m = m.Elem()
	}
	if m == nil || m == reflect.TypeFor[json.RawMessage]() || m.Kind() == reflect.Map {
		return nil
	}
	return m
}

// named is the member of that name in JSON.
func named(m member, name string) (member, bool) {
	if m.Kind() != reflect.Struct || m == reflect.TypeFor[time.Time]() {
		return nil, false
	}
	for field := range m.Fields() {
		if tag, _, _ := strings.Cut(field.Tag.Get("json"), ","); tag == name {
			return field.Type, true
		}
	}
	return nil, false
}

// element is what range goes through.
func element(m member) member {
	if m = solid(m); m != nil && m.Kind() == reflect.Slice {
		return m.Elem()
	}
	return nil
}

// of is what an argument of a template stands for, as far as can be said: the dot, its members, and those of the event.
func (w *walker) of(argument parse.Node) member {
	var m member
	var err error
	switch n := argument.(type) {
	case *parse.DotNode:
		m = w.dot
	case *parse.FieldNode:
		m, err = inside(w.dot, n.Ident)
	case *parse.VariableNode:
		if n.Ident[0] == "$" {
			m, err = inside(w.root, n.Ident[1:])
		}
	case *parse.PipeNode:
		m = w.pipe(n)
	}
	if err != nil {
		w.err = err
	}
	return m
}
