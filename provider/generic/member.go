package generic

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// A member is one of the common body's that a selector fills: user.email, client.ip, user.custom.plan.
type member struct {
	name   string
	index  []int  // of the fields of schema.Event that lead to it
	custom string // the name below user.custom, whose values are any JSON
	flag   bool   // true or false
	from   selector
}

func newMembers(configured map[string]string) ([]member, error) {
	var members []member
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		m, err := newMember(name)
		if err == nil {
			m.from, err = parseSelector(configured[name])
		}
		if err == nil && m.from == nil {
			err = errors.New("empty")
		}
		if err != nil {
			return nil, fmt.Errorf("members: %s: %w", name, err)
		}
		members = append(members, m)
	}
	return members, nil
}

func newMember(name string) (member, error) {
	switch name {
	case "user.id":
		return member{}, errors.New("write subject instead")
	case "organization.id":
		return member{}, errors.New("write tenant instead")
	}
	m := member{name: name}
	if claim, ok := strings.CutPrefix(name, "user.custom."); ok {
		m.custom, name = claim, "user.custom"
	}
	var leaf reflect.Type
	m.index, leaf = fieldOf(reflect.TypeFor[schema.Event](), strings.Split(name, "."))
	top, _, below := strings.Cut(name, ".")
	switch {
	case leaf == nil, !below && top != "reason":
		return m, errors.New("no member that can be filled")
	case m.custom == "" && leaf.Kind() != reflect.String && leaf.Kind() != reflect.Bool:
		return m, errors.New("no member that can be filled")
	}
	m.flag = leaf.Kind() == reflect.Bool
	return m, nil
}

// fieldOf follows names through the json tags of structs. It gives the type of what they lead to, nil where there is none.
func fieldOf(t reflect.Type, names []string) (index []int, leaf reflect.Type) {
	for _, name := range names {
		if t.Kind() != reflect.Struct {
			return nil, nil
		}
		i := slices.IndexFunc(reflect.VisibleFields(t), func(f reflect.StructField) bool {
			tag, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			return tag == name
		})
		if i < 0 {
			return nil, nil
		}
		index, t = append(index, i), t.Field(i).Type
		if t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
	}
	return index, t
}

// fill sets the member where the document has a value for it.
func (m member) fill(e *schema.Event, d document) {
	if m.custom != "" {
		m.fillCustom(e, m.from.raw(d))
		return
	}
	found := m.from.text(d)
	if found == "" || m.flag && found != "true" && found != "false" {
		return
	}
	v := reflect.ValueOf(e).Elem()
	for _, i := range m.index {
		v = made(v).Field(i)
	}
	if v = made(v); m.flag {
		v.SetBool(found == "true")
		return
	}
	v.SetString(found)
}

// made gives what a pointer points to, and makes it where there is nothing yet.
func made(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.Pointer {
		return v
	}
	if v.IsNil() {
		v.Set(reflect.New(v.Type().Elem()))
	}
	return v.Elem()
}

func (m member) fillCustom(e *schema.Event, raw json.RawMessage) {
	if raw == nil {
		return
	}
	if e.User == nil {
		e.User = new(schema.User)
	}
	if e.User.Custom == nil {
		e.User.Custom = make(map[string]json.RawMessage)
	}
	e.User.Custom[m.custom] = raw
}

// checkActor refuses an actor that could not go out: its type is required.
func checkActor(members []member) error {
	has := func(name string) bool {
		return slices.ContainsFunc(members, func(m member) bool { return m.name == name })
	}
	if (has("actor.id") || has("actor.name")) && !has("actor.type") {
		return errors.New("members: actor.id and actor.name want actor.type: user, admin, application, policy or system")
	}
	return nil
}

// dropActor takes an actor away whose type is none of ours: it is not told who did it.
func dropActor(e *schema.Event) {
	if e.Actor == nil {
		return
	}
	switch e.Actor.Type {
	case "user", "admin", "application", "policy", "system":
	default:
		e.Actor = nil
	}
}
