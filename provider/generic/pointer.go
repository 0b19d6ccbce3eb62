package generic

import (
	"errors"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// A pointer names a value inside a JSON text: a JSON Pointer (RFC 6901) with two additions for arrays. [type=User] is the
// first element whose member type is User; * is every element.
type pointer []step

// A step is one reference token of a pointer.
type step struct {
	name        string // a member, an index, or *
	member, is  string // of [member=is]
	conditional bool
}

// parsePointer reads /data/0/id. The empty text is the whole document.
func parsePointer(text string) (pointer, error) {
	if text == "" {
		return nil, nil
	}
	if text[0] != '/' {
		return nil, errors.New("a pointer begins with /")
	}
	var p pointer
	for token := range strings.SplitSeq(text[1:], "/") {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(token), "~") {
			return nil, errors.New("a ~ in a pointer is written ~0, a / in a name ~1")
		}
		s := step{name: strings.NewReplacer("~1", "/", "~0", "~").Replace(token)}
		if inner, ok := strings.CutPrefix(s.name, "["); ok {
			s.member, s.is, s.conditional = cutFilter(inner)
		}
		p = append(p, s)
	}
	return p, nil
}

func cutFilter(text string) (member, is string, ok bool) {
	text, closed := strings.CutSuffix(text, "]")
	member, is, found := strings.Cut(text, "=")
	return member, is, closed && found && member != ""
}

// single reports whether the pointer names at most one value.
func (p pointer) single() bool {
	for _, s := range p {
		if s.name == "*" {
			return false
		}
	}
	return true
}

// get gives the first value that the pointer names, absent where there is none.
func (p pointer) get(v provider.Value) provider.Value {
	for found := range p.all(v) {
		return found
	}
	return provider.Value{}
}

// all gives the values that the pointer names, an absent one wherever the document lacks a step: a check of every value
// must see what is missing.
func (p pointer) all(v provider.Value) func(yield func(provider.Value) bool) {
	return func(yield func(provider.Value) bool) { p.walk(v, yield) }
}

func (p pointer) walk(v provider.Value, yield func(provider.Value) bool) bool {
	if len(p) == 0 {
		return yield(v)
	}
	if p[0].name != "*" || v.Kind() != provider.KindArray {
		return p[1:].walk(p[0].of(v), yield)
	}
	for element := range v.Children() {
		if !p[1:].walk(element, yield) {
			return false
		}
	}
	return true
}

// of gives the member or element of v that the step names.
func (s step) of(v provider.Value) provider.Value {
	if v.Kind() != provider.KindArray {
		return v.Get(s.name)
	}
	index := 0
	for element := range v.Children() {
		if s.conditional && text(element.Get(s.member)) == s.is || !s.conditional && strconv.Itoa(index) == s.name {
			return element
		}
		index++
	}
	return provider.Value{}
}

// text is a value as text: numbers and booleans as they are written, empty for everything else.
func text(v provider.Value) string {
	switch v.Kind() {
	case provider.KindText:
		return v.Text()
	case provider.KindNumber, provider.KindTrue, provider.KindFalse:
		return string(v.Raw())
	}
	return ""
}
