package provider

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// A tree is a JSON text and its values, in the order in which they begin.
type tree struct {
	text       []byte
	copied     string // text, once words was called
	nodes      []node
	wellFormed bool
	few        [32]node // room for the values of a usual delivery: no second allocation
}

// words is the text as a string: one copy for all texts that are read from it.
func (t *tree) words() string {
	if t.copied == "" {
		t.copied = string(t.text)
	}
	return t.copied
}

// A node is one value: where its text and its name stand, and where the next value that is not inside it is.
type node struct {
	kind          Kind
	escaped       bool // the text holds escapes
	nameEscaped   bool
	name, nameEnd int32 // without the quotes; both 0 outside objects
	start, end    int32
	next          int32
}

// value adds the value at i, and what is in it, to the tree and gives the place after it. The text is known to be valid.
func (t *tree) value(i int, n node) int {
	at := len(t.nodes)
	t.nodes = append(t.nodes, n)
	var end int
	kind, escaped := KindNumber, false
	switch t.text[i] {
	case '{':
		kind, end = KindObject, t.object(i+1)
	case '[':
		kind, end = KindArray, t.array(i+1)
	case '"':
		kind = KindText
		end, escaped = t.quoted(i)
	case 'n':
		kind, end = KindNull, i+len("null")
	case 't':
		kind, end = KindTrue, i+len("true")
	case 'f':
		kind, end = KindFalse, i+len("false")
	default:
		end = t.number(i)
	}
	done := &t.nodes[at]
	done.kind, done.escaped = kind, escaped
	done.start, done.end, done.next = int32(i), int32(end), int32(len(t.nodes))
	return end
}

// object reads what follows an opening brace.
func (t *tree) object(i int) int {
	for {
		i = t.blank(i)
		switch t.text[i] {
		case '}':
			return i + 1
		case ',':
			i = t.blank(i + 1)
		}
		end, escaped := t.quoted(i)
		name := node{name: int32(i + 1), nameEnd: int32(end - 1), nameEscaped: escaped}
		colon := t.blank(end)
		i = t.value(t.blank(colon+1), name)
	}
}

// array reads what follows an opening bracket.
func (t *tree) array(i int) int {
	for {
		i = t.blank(i)
		switch t.text[i] {
		case ']':
			return i + 1
		case ',':
			i = t.blank(i + 1)
		}
		i = t.value(i, node{})
	}
}

// quoted gives the place after the string that begins at i, and whether it holds escapes.
func (t *tree) quoted(i int) (end int, escaped bool) {
	i++
	if quote := i + bytes.IndexByte(t.text[i:], '"'); bytes.IndexByte(t.text[i:quote], '\\') < 0 {
		return quote + 1, false
	}
	for ; t.text[i] != '"'; i++ {
		if t.text[i] != '\\' {
			continue
		}
		if i++; t.text[i] == 'u' {
			i = t.hex(i)
		}
	}
	return i + 1, true
}

// hex passes the digits after a \u, those of a whole surrogate pair together, and gives the place of the last digit.
func (t *tree) hex(i int) int {
	unit, last := codeUnit(t.text[i+1:]), i+4
	if !utf16.IsSurrogate(unit) {
		return last
	}
	if pair(unit, t.text[last+1:]) == utf8.RuneError {
		t.wellFormed = false
		return last
	}
	return last + len(`\udc00`)
}

func (t *tree) number(i int) int {
	for ; i < len(t.text); i++ {
		switch c := t.text[i]; {
		case c >= '0' && c <= '9', c == '-', c == '+', c == '.', c == 'e', c == 'E':
		default:
			return i
		}
	}
	return i
}

func (t *tree) blank(i int) int {
	for {
		switch t.text[i] {
		case ' ', '\t', '\n', '\r':
			i++
		default:
			return i
		}
	}
}

// unescape appends the text of a string without its quotes (RFC 8259, section 7) to dst.
func unescape(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			dst = append(dst, raw[i])
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := codeUnit(raw[i+1:])
			i += 4
			if utf16.IsSurrogate(r) {
				if r = pair(r, raw[i+1:]); r != utf8.RuneError {
					i += len(`\udc00`)
				}
			}
			dst = utf8.AppendRune(dst, r)
		default: // the quote, the backslash and the slash stand for themselves
			dst = append(dst, raw[i])
		}
	}
	return dst
}

// pair joins the half of a surrogate pair with the escape that follows it. U+FFFD: it does not follow.
func pair(half rune, rest []byte) rune {
	if len(rest) < len(`\udc00`) || rest[0] != '\\' || rest[1] != 'u' {
		return utf8.RuneError
	}
	return utf16.DecodeRune(half, codeUnit(rest[2:]))
}

// codeUnit reads four hex digits.
func codeUnit(digits []byte) rune {
	var r rune
	for _, c := range digits[:4] {
		switch {
		case c <= '9':
			r = r<<4 | rune(c-'0')
		default:
			r = r<<4 | rune(c|0x20-'a'+10)
		}
	}
	return r
}
