package ssofy

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/forebayhq/forebay/provider"
)

// maxValues bounds a body: sorting the names of strangers takes time. What SSOfy documents has below 50 values.
const maxValues = 10000

// signedValues are the values that SSOfy signs of a body: depth first, objects by sorted name, arrays in order.
func signedValues(body provider.Value) []provider.Value {
	w := new(walk)
	w.values, w.members = w.fewValues[:0], w.fewMembers[:0]
	w.value(body)
	return w.values
}

// appendValues appends the text of values to dst, without separators. It reports whether a number was among them.
func appendValues(dst []byte, values []provider.Value, form numberForm) (message []byte, numbers bool) {
	for _, v := range values {
		switch v.Kind() {
		case provider.KindText:
			dst = v.AppendText(dst)
		case provider.KindNumber:
			numbers = true
			dst = form(dst, v.Raw())
		case provider.KindTrue:
			dst = append(dst, '1')
		case provider.KindFalse:
			dst = append(dst, '0')
		}
	}
	return dst, numbers
}

// A walk is one pass over a body. Its members are a stack: those of an object lie above those of the objects around it.
type walk struct {
	values  []provider.Value
	members []member

	fewValues  [32]provider.Value // room for those of a usual event: no further allocation
	fewMembers [32]member
}

type member struct {
	name  []byte
	value provider.Value
	place int // among the members
}

func (w *walk) value(v provider.Value) {
	switch v.Kind() {
	case provider.KindObject:
		w.object(v)
	case provider.KindArray:
		for element := range v.Children() {
			w.value(element)
		}
	default:
		w.values = append(w.values, v)
	}
}

func (w *walk) object(v provider.Value) {
	base := len(w.members)
	for child := range v.Children() {
		w.members = append(w.members, member{child.Name(), child, len(w.members)})
	}
	sorted := w.members[base:]
	slices.SortFunc(sorted, func(a, b member) int {
		return cmp.Or(compareNames(a.name, b.name), cmp.Compare(a.place, b.place))
	})
	for i, m := range sorted {
		if i+1 < len(sorted) && bytes.Equal(m.name, sorted[i+1].name) {
			continue // of a repeated name the last one counts
		}
		w.value(m.value)
	}
	w.members = w.members[:base]
}

// compareNames orders names as JavaScript lists them once they are sorted: array indexes by value, then the rest by
// UTF-16 code unit. (Node's library sorts the names into a new object, and objects list indexes first.)
func compareNames(a, b []byte) int {
	i, aIndex := arrayIndex(a)
	j, bIndex := arrayIndex(b)
	switch {
	case aIndex && bIndex:
		return cmp.Compare(i, j)
	case aIndex:
		return -1
	case bIndex:
		return 1
	}
	return compareUTF16(a, b)
}

// arrayIndex reads a canonical decimal from 0 to 2³²-2 (ECMA-262, "array index").
func arrayIndex(name []byte) (index uint64, ok bool) {
	const most = 1<<32 - 2
	if len(name) == 0 || len(name) > 10 || name[0] == '0' && len(name) > 1 {
		return 0, false
	}
	for _, c := range name {
		if c < '0' || c > '9' {
			return 0, false
		}
		index = index*10 + uint64(c-'0')
	}
	return index, index <= most
}

// compareUTF16 orders two UTF-8 texts by their UTF-16 code units. That is the order of their bytes, except that
// characters beyond U+FFFF (first byte F0 and above), being surrogate pairs, come before U+E000 to U+FFFF (EE, EF).
func compareUTF16(a, b []byte) int {
	for i := range min(len(a), len(b)) {
		x, y := a[i], b[i]
		if x == y {
			continue
		}
		if x >= 0xEE && y >= 0xEE && (x >= 0xF0) != (y >= 0xF0) {
			return cmp.Compare(y, x)
		}
		return cmp.Compare(x, y)
	}
	return cmp.Compare(len(a), len(b))
}
