package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// maxDepth bounds how deep a provider's JSON nests, so that the parser of any consumer can read it.
const maxDepth = 200

var (
	errSyntax = errors.New("not one well-formed JSON value")
	errUTF8   = errors.New("not valid UTF-8")
	errDepth  = errors.New("nested deeper than 200 levels")
)

// checkJSON reports whether data is one well-formed JSON value (RFC 8259) in valid UTF-8 of bounded depth.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) {
		return errUTF8
	}
	s := scanner{data: data}
	s.space()
	if err := s.value(maxDepth); err != nil {
		return err
	}
	if s.space(); s.pos != len(data) {
		return errSyntax
	}
	return nil
}

// A scanner steps over JSON without decoding it. It checks the grammar on its way.
type scanner struct {
	data []byte
	pos  int
}

// value steps over one value that nests at most depth levels.
func (s *scanner) value(depth int) error {
	switch c := s.peek(); {
	case c == '{':
		return s.object(depth)
	case c == '[':
		return s.array(depth)
	case c == '"':
		_, err := s.text()
		return err
	case c == '-' || isDigit(c):
		return s.number()
	}
	return s.literal()
}

func (s *scanner) object(depth int) error {
	if depth == 0 {
		return errDepth
	}
	s.pos++
	for first := true; ; first = false {
		if more, err := s.more(first, '}'); !more {
			return err
		}
		if _, err := s.name(); err != nil {
			return err
		}
		if err := s.value(depth - 1); err != nil {
			return err
		}
	}
}

func (s *scanner) array(depth int) error {
	if depth == 0 {
		return errDepth
	}
	s.pos++
	for first := true; ; first = false {
		if more, err := s.more(first, ']'); !more {
			return err
		}
		if err := s.value(depth - 1); err != nil {
			return err
		}
	}
}

// more steps to the next member or element, or over the closing bracket. False means that there is none, or an error.
func (s *scanner) more(first bool, end byte) (bool, error) {
	s.space()
	switch c := s.peek(); {
	case c == end && c != 0:
		s.pos++
		return false, nil
	case first:
		return true, nil
	case c == ',':
		s.pos++
		s.space()
		return true, nil
	}
	return false, errSyntax
}

// name steps over a member's name and the colon, to the start of its value. It returns the name as it is written, in
// quotes.
func (s *scanner) name() ([]byte, error) {
	raw, err := s.text()
	if err != nil {
		return nil, err
	}
	s.space()
	if s.peek() != ':' {
		return nil, errSyntax
	}
	s.pos++
	s.space()
	return raw, nil
}

// text steps over a string and returns it as it is written, in quotes.
func (s *scanner) text() ([]byte, error) {
	start := s.pos
	if s.peek() != '"' {
		return nil, errSyntax
	}
	for s.pos++; s.pos < len(s.data); s.pos++ {
		switch c := s.data[s.pos]; {
		case c == '"':
			s.pos++
			return s.data[start:s.pos], nil
		case c < ' ':
			return nil, errSyntax
		case c == '\\' && !s.escape():
			return nil, errSyntax
		}
	}
	return nil, errSyntax
}

// escape steps to the last character of an escape sequence.
func (s *scanner) escape() bool {
	s.pos++
	switch s.peek() {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
		for range 4 {
			s.pos++
			if c := s.peek(); !isDigit(c) && (c < 'a' || c > 'f') && (c < 'A' || c > 'F') {
				return false
			}
		}
		return true
	}
	return false
}

func (s *scanner) number() error {
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if !s.digits() {
		return errSyntax
	}
	if s.peek() == '.' {
		s.pos++
		if !s.digits() {
			return errSyntax
		}
	}
	if c := s.peek(); c != 'e' && c != 'E' {
		return nil
	}
	s.pos++
	if c := s.peek(); c == '+' || c == '-' {
		s.pos++
	}
	if !s.digits() {
		return errSyntax
	}
	return nil
}

func (s *scanner) digits() bool {
	start := s.pos
	for isDigit(s.peek()) {
		s.pos++
	}
	return s.pos > start
}

func (s *scanner) literal() error {
	for _, word := range [...]string{"true", "false", "null"} {
		if bytes.HasPrefix(s.data[s.pos:], []byte(word)) {
			s.pos += len(word)
			return nil
		}
	}
	return errSyntax
}

func (s *scanner) space() {
	for s.pos < len(s.data) {
		switch s.data[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// peek is the byte at the position, 0 at the end.
func (s *scanner) peek() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

// unquote decodes a string of well-formed JSON. Without an escape it costs nothing.
func unquote(raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, errSyntax
	}
	return []byte(s), nil
}

// appendText appends s as a JSON string. It escapes what JSON demands and nothing else; invalid UTF-8 becomes U+FFFD.
func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if c < utf8.RuneSelf || r == utf8.RuneError && size == 1 {
			b = append(b, s[start:i]...)
			b = appendEscape(b, r)
			start = i + size
		}
		i += size
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

func appendEscape(b []byte, r rune) []byte {
	switch r {
	case '"', '\\':
		return append(b, '\\', byte(r))
	case '\n':
		return append(b, `\n`...)
	case '\r':
		return append(b, `\r`...)
	case '\t':
		return append(b, `\t`...)
	case utf8.RuneError:
		return append(b, "\uFFFD"...)
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
}
