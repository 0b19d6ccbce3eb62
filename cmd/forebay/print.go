package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// A screen is where a command prints. What it prints may come from a provider, who is a stranger: nothing that steers a
// terminal goes through as it is.
type screen struct {
	io.Writer
	terminal bool
	colored  bool
}

func (e *environment) screen() screen { return e.screenOn(e.stdout) }

func (e *environment) screenOn(w io.Writer) screen {
	terminal := isTerminal(w)
	return screen{Writer: w, terminal: terminal, colored: terminal && e.getenv("NO_COLOR") == ""}
}

// A color is an SGR code of ECMA-48.
type color string

const (
	bold   color = "1"
	dim    color = "2"
	red    color = "31"
	green  color = "32"
	yellow color = "33"
	cyan   color = "36"
)

func (s screen) paint(c color, text string) string {
	if !s.colored || text == "" {
		return text
	}
	return "\x1b[" + string(c) + "m" + text + "\x1b[0m"
}

// json prints a value on one line. It is the same JSON anywhere; what steers a terminal is written as \u escapes.
func (s screen) json(v any) error {
	line, err := marshal(v)
	if err != nil {
		return err
	}
	_, err = s.Write(escapeJSON(append(line, '\n')))
	return err
}

// pretty prints JSON over several lines, its numbers, its order and its repeated names as they are.
func (s screen) pretty(text []byte) error {
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		return fmt.Errorf("print JSON: %w", err)
	}
	b.WriteByte('\n')
	_, err := s.Write(escapeJSON(b.Bytes()))
	return err
}

// marshal is encoding/json without its escapes for HTML.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// printable makes any text fit for a terminal: what is not graphic becomes a Go escape, "\x1b" or "\u202e".
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !plain(r) }) < 0 {
		return text
	}
	var b strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		if plain(r) {
			b.WriteString(text[:size])
		} else {
			quoted := strconv.Quote(text[:size])
			b.WriteString(quoted[1 : len(quoted)-1])
		}
		text = text[size:]
	}
	return b.String()
}

// plain reports whether a terminal shows r and does nothing else. U+FFFD may be a byte that is no UTF-8.
func plain(r rune) bool { return unicode.IsPrint(r) && r != utf8.RuneError }

// escapeJSON does to JSON what printable does to text, by the escapes of JSON. Line ends, which JSON has only between
// its tokens, stay.
func escapeJSON(text []byte) []byte {
	if bytes.IndexFunc(text, func(r rune) bool { return !plain(r) && r != '\n' }) < 0 {
		return text
	}
	var out []byte
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		switch {
		case plain(r) || r == '\n':
			out = append(out, text[:size]...)
		case r == '\t' || r == '\r': // between tokens too
			out = append(out, ' ')
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, high, low)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
		text = text[size:]
	}
	return out
}
