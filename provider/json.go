package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

// A Kind is the type of a JSON value.
type Kind uint8

// The kinds of JSON values (RFC 8259, section 3), and the one of a value that is not there.
const (
	KindAbsent Kind = iota
	KindNull
	KindFalse
	KindTrue
	KindNumber
	KindText
	KindArray
	KindObject
)

// A Value is a value inside a parsed JSON text. The zero Value is absent. It shares the memory of the text. A document is
// for one goroutine.
//
// It exists beside encoding/json because verifying comes before trusting: strangers decide what is parsed. It needs one
// allocation for a usual delivery, time proportional to the text, and it keeps what signatures and payloads need: the
// spelling of numbers, the order of members, and every occurrence of a repeated name.
type Value struct {
	tree *tree
	at   int32
}

// ParseJSON reads text as one JSON value in valid UTF-8 with nothing after it. Its errors never repeat the text.
func ParseJSON(text []byte) (Value, error) {
	switch {
	case len(text) > math.MaxInt32:
		return Value{}, errors.New("json: longer than 2 GiB")
	case !utf8.Valid(text):
		return Value{}, errors.New("json: not valid UTF-8")
	case !valid(text):
		return Value{}, errors.New("json: not one well-formed value")
	}
	t := &tree{text: text, wellFormed: true}
	t.nodes = t.few[:0]
	t.value(t.blank(0), node{})
	return Value{tree: t}, nil
}

// maxBrackets bounds how deep a text can nest that gjson looks at: it calls itself for every level.
const maxBrackets = 10000

// valid is json.Valid at a quarter of its time: 4 µs for 8 kB.
func valid(text []byte) bool {
	if bytes.Count(text, []byte("{"))+bytes.Count(text, []byte("[")) > maxBrackets {
		return json.Valid(text) // which bounds the depth by itself
	}
	return gjson.ValidBytes(text)
}

// ParseObject is [ParseJSON] for a text that must be an object.
func ParseObject(text []byte) (Value, error) {
	v, err := ParseJSON(text)
	if err == nil && v.Kind() != KindObject {
		return Value{}, errors.New("json: not an object")
	}
	return v, err
}

// Kind is the type of v.
func (v Value) Kind() Kind {
	if v.tree == nil {
		return KindAbsent
	}
	return v.node().kind
}

// Raw is the JSON text of v, as it was written and without blanks around it. Nil where v is absent.
func (v Value) Raw() []byte {
	if v.tree == nil {
		return nil
	}
	n := v.node()
	return v.tree.text[n.start:n.end:n.end]
}

// Name is the decoded name under which v stands in its object, empty where it stands in none.
func (v Value) Name() []byte {
	if v.tree == nil {
		return nil
	}
	n := v.node()
	raw := v.tree.text[n.name:n.nameEnd:n.nameEnd]
	if n.nameEscaped {
		return unescape(nil, raw)
	}
	return raw
}

// Text is the decoded text of v, empty where v is no text. The texts of a document share one copy of it.
func (v Value) Text() string {
	switch {
	case v.Kind() != KindText:
		return ""
	case v.node().escaped:
		return string(v.AppendText(nil))
	}
	n := v.node()
	return v.tree.words()[n.start+1 : n.end-1]
}

// AppendText appends the decoded text of v to dst, nothing where v is no text.
func (v Value) AppendText(dst []byte) []byte {
	switch {
	case v.Kind() != KindText:
		return dst
	case v.node().escaped:
		return unescape(dst, v.inside())
	}
	return append(dst, v.inside()...)
}

// OptionalText is the decoded text of v, nil where v is no text.
func (v Value) OptionalText() *string {
	if v.Kind() != KindText {
		return nil
	}
	s := v.Text()
	return &s
}

// OptionalBool is v as a boolean, nil where v is none.
func (v Value) OptionalBool() *bool {
	k := v.Kind()
	if k != KindTrue && k != KindFalse {
		return nil
	}
	b := k == KindTrue
	return &b
}

// Children are the members of an object or the elements of an array as they are written, repeated names included.
func (v Value) Children() iter.Seq[Value] {
	return func(yield func(Value) bool) {
		if v.tree == nil {
			return
		}
		end := v.node().next
		for i := v.at + 1; i < end; i = v.tree.nodes[i].next {
			if !yield(Value{v.tree, i}) {
				return
			}
		}
	}
}

// Elements are those of an array, none where v is no array.
func (v Value) Elements() []Value {
	if v.Kind() != KindArray {
		return nil
	}
	var all []Value
	for element := range v.Children() {
		all = append(all, element)
	}
	return all
}

// UnixTime reads a number of seconds since 1970; one above 10¹¹ counts milliseconds, which some senders put where seconds
// belong. Zero: it is no number, or no time that RFC 3339 can say.
func (v Value) UnixTime() time.Time {
	const (
		maxSeconds = 1e11
		year10000  = 253402300800 // in seconds: RFC 3339 ends before it
	)
	if v.Kind() != KindNumber {
		return time.Time{}
	}
	ms, err := strconv.ParseFloat(string(v.Raw()), 64)
	if ms <= maxSeconds {
		ms *= 1000
	}
	if err != nil || ms <= 0 || ms >= year10000*1000 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(ms))).UTC()
}

// Get is the member of that name, absent where v has none or is no object. Of a repeated name the last one counts, as
// with encoding/json and JSON.parse, so that we read what the readers of the payload read.
func (v Value) Get(name string) Value {
	var last Value
	for c := range v.Children() {
		if c.named(name) {
			last = c
		}
	}
	return last
}

// Members are the members of an object, each name once: where it came first, with the value that came last.
func (v Value) Members() []Value {
	if v.Kind() != KindObject {
		return nil
	}
	var members []Value
	place := make(map[string]int)
	for c := range v.Children() {
		name := string(c.Name())
		if i, repeated := place[name]; repeated {
			members[i] = c
			continue
		}
		place[name] = len(members)
		members = append(members, c)
	}
	return members
}

// WellFormed reports whether no text of the whole document holds half of a surrogate pair ("\ud800"). Such a half is
// JSON, but no text; it is decoded as U+FFFD.
func (v Value) WellFormed() bool { return v.tree == nil || v.tree.wellFormed }

func (v Value) node() *node { return &v.tree.nodes[v.at] }

// inside is the text of a string between its quotes.
func (v Value) inside() []byte {
	n := v.node()
	return v.tree.text[n.start+1 : n.end-1]
}

func (v Value) named(name string) bool {
	n := v.node()
	if n.nameEscaped {
		return string(v.Name()) == name
	}
	return n.nameEnd > 0 && string(v.tree.text[n.name:n.nameEnd]) == name
}
