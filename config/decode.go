package config

import (
	"encoding"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

// A decoder fills structs from YAML nodes by their yaml tags. The decoder of goccy/go-yaml stops at the first problem,
// names Go types instead of keys, and would parse what a variable holds; this one works on the nodes of its parser.
type decoder struct {
	report
	dir     string // where relative paths start
	getenv  func(string) string
	anchors map[string]ast.Node
	secrets bool // of sources are read
}

// A nodeDecoder decodes itself.
type nodeDecoder interface {
	decodeNode(d *decoder, key string, n ast.Node)
}

// noValue is said of a key without a value. Taken for the default, "actions:" would choose every action.
const noValue = "has no value: write one, or leave the key out"

// value fills into, which must be addressable, from a node.
func (d *decoder) value(key string, n ast.Node, into reflect.Value) {
	n = d.resolve(key, n)
	if n == nil {
		return
	}
	if custom, ok := into.Addr().Interface().(nodeDecoder); ok {
		custom.decodeNode(d, key, n)
		return
	}
	raw, scalar := scalarText(n)
	switch {
	case into.Kind() == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		d.value(key, n, into.Elem())
	case scalar && takesText(into):
		d.text(key, raw, into)
	case isRecord(into.Type()):
		d.record(key, n, into, nil)
	case into.Kind() == reflect.Map:
		d.mapping(key, n, into)
	case into.Kind() == reflect.Slice:
		d.list(key, n, into)
	case isNull(n):
		d.fail(key, noValue)
	default:
		d.fail(key, "want text, have %s", describe(n))
	}
}

// resolve looks through anchors and aliases. It gives nil for what it cannot resolve, and notes the problem.
func (d *decoder) resolve(key string, n ast.Node) ast.Node {
	switch n := n.(type) {
	case *ast.AnchorNode:
		value := d.resolve(key, n.Value)
		d.anchors[n.Name.String()] = value
		return value
	case *ast.AliasNode:
		value := d.anchors[n.Value.String()]
		if value == nil {
			d.fail(key, "no such anchor above; a value that begins with * needs quotes") // and may be a secret
		}
		return value
	case *ast.TagNode:
		d.fail(key, "YAML tags are not understood")
		return nil
	case nil:
		d.fail(key, noValue)
	}
	return n
}

// An entry is one key of a mapping.
type entry struct {
	name string
	key  string // the path of the key: "sources.acme"
	node ast.Node
}

// entries gives the keys of a mapping, in order. A repeated key is a problem and left out.
func (d *decoder) entries(key string, n ast.Node) []entry {
	if isNull(n) {
		return nil
	}
	m, ok := n.(ast.MapNode)
	if !ok {
		d.fail(key, "want keys and values, have %s", describe(n))
		return nil
	}
	var entries []entry
	for i := m.MapRange(); i.Next(); {
		token := i.Key().GetToken()
		e := entry{name: token.Value, key: join(key, token.Value), node: i.Value()}
		line := token.Position.Line
		if first := slices.IndexFunc(entries, func(o entry) bool { return o.name == e.name }); first >= 0 {
			d.problems = append(d.problems, problem{d.file, line, e.key,
				fmt.Errorf("written twice, first on line %d", d.lines[e.key])})
			continue
		}
		d.lines[e.key] = line
		entries = append(entries, e)
	}
	return entries
}

// record fills a struct. Keys that it does not have go to other, or are problems if other is nil.
func (d *decoder) record(key string, n ast.Node, into reflect.Value, other func(entry)) {
	fields := tagged(into.Type())
	for _, e := range d.entries(key, n) {
		i, known := fields[e.name]
		switch {
		case known:
			d.value(e.key, e.node, into.Field(i))
		case other != nil:
			other(e)
		default:
			d.fail(e.key, "unknown key; known here: %s", names(fields))
		}
	}
}

// mapping adds to a map whose keys are texts.
func (d *decoder) mapping(key string, n ast.Node, into reflect.Value) {
	if into.IsNil() {
		into.Set(reflect.MakeMap(into.Type()))
	}
	for _, e := range d.entries(key, n) {
		value := reflect.New(into.Type().Elem()).Elem()
		d.value(e.key, e.node, value)
		into.SetMapIndex(reflect.ValueOf(e.name).Convert(into.Type().Key()), value)
	}
}

// list replaces a slice.
func (d *decoder) list(key string, n ast.Node, into reflect.Value) {
	if isNull(n) {
		d.fail(key, noValue)
		return
	}
	sequence, ok := n.(*ast.SequenceNode)
	if !ok {
		d.fail(key, "want a list, have %s", describe(n))
		return
	}
	items := reflect.MakeSlice(into.Type(), len(sequence.Values), len(sequence.Values))
	for i, item := range sequence.Values {
		itemKey := fmt.Sprintf("%s[%d]", key, i)
		if item != nil {
			d.lines[itemKey] = item.GetToken().Position.Line
		}
		d.value(itemKey, item, items.Index(i))
	}
	into.Set(items)
}

// text fills into from a scalar. Problems never repeat the text: it may be a secret, or come from the environment.
func (d *decoder) text(key, raw string, into reflect.Value) {
	text, err := expand(raw, d.getenv)
	if err == nil {
		err = setText(into, text)
	}
	if err != nil {
		d.fail(key, "%w", err)
		return
	}
	if isPath(into.Type()) {
		into.SetString(string(d.path(text)))
	}
}

// isPath reports whether t is a Path: ours, or that of a package which may not import this one and has options.
func isPath(t reflect.Type) bool { return t.Kind() == reflect.String && t.Name() == "Path" }

// path starts a relative path at the folder of the file.
func (d *decoder) path(text string) Path {
	if text == "" || filepath.IsAbs(text) {
		return Path(text)
	}
	return Path(filepath.Join(d.dir, text))
}

func takesText(v reflect.Value) bool {
	if _, ok := v.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return true
	}
	switch v.Kind() {
	case reflect.Struct, reflect.Map, reflect.Slice, reflect.Array, reflect.Interface, reflect.Func, reflect.Chan:
		return false
	}
	return true
}

func setText(into reflect.Value, text string) error {
	switch p := into.Addr().Interface().(type) {
	case *time.Duration:
		d, err := parseDuration(text)
		*p = d
		return err
	case encoding.TextUnmarshaler:
		return p.UnmarshalText([]byte(text))
	}
	switch {
	case into.Kind() == reflect.String:
		into.SetString(text)
		return nil
	case into.Kind() == reflect.Bool:
		into.SetBool(text == "true")
		return require(text == "true" || text == "false", "want true or false")
	case into.CanInt():
		n, err := strconv.ParseInt(text, 10, into.Type().Bits())
		into.SetInt(n)
		return require(err == nil, "want a whole number")
	case into.CanUint():
		n, err := strconv.ParseUint(text, 10, into.Type().Bits())
		into.SetUint(n)
		return require(err == nil, "want a whole number, not below zero")
	case into.CanFloat():
		n, err := strconv.ParseFloat(text, into.Type().Bits())
		into.SetFloat(n)
		return require(err == nil, "want a number")
	}
	return fmt.Errorf("a %s cannot be configured", into.Type())
}

func require(ok bool, message string) error {
	if ok {
		return nil
	}
	return errors.New(message)
}

// scalarText gives the text of a scalar as the file has it: the secret 007 keeps its zeros.
func scalarText(n ast.Node) (string, bool) {
	switch n := n.(type) {
	case *ast.StringNode:
		return n.Value, true
	case *ast.LiteralNode:
		return n.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		return n.GetToken().Value, true
	}
	return "", false
}

func isNull(n ast.Node) bool {
	_, ok := n.(*ast.NullNode)
	return ok
}

func describe(n ast.Node) string {
	switch n.(type) {
	case ast.MapNode:
		return "keys and values"
	case *ast.SequenceNode:
		return "a list"
	case *ast.NullNode:
		return "nothing"
	}
	return "text"
}

// isRecord reports whether t is a struct with keys.
func isRecord(t reflect.Type) bool { return t.Kind() == reflect.Struct && len(tagged(t)) > 0 }

// tagged gives the fields of a struct by the name in their yaml tag.
func tagged(t reflect.Type) map[string]int {
	fields := map[string]int{}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name != "" && name != "-" {
			fields[name] = i
		}
	}
	return fields
}

func names(fields map[string]int) string {
	return strings.Join(slices.Sorted(maps.Keys(fields)), ", ")
}

func join(key, name string) string {
	if key == "" {
		return name
	}
	return key + "." + name
}
