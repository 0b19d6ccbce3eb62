package generic

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// A template says what is signed: literals, {body}, {t} and {header:NAME}.
type template []piece

// A piece is a literal, or what stands for body, time or a header.
type piece struct {
	literal string
	name    string // body, t or header:NAME; empty: literal alone
}

// parseTemplate refuses a template without {body}: whoever signs less leaves the content to strangers.
func parseTemplate(text string) (template, error) {
	var t template
	err := eachPiece(text, func(literal, name string) error {
		t = append(t, piece{literal, name})
		header, isHeader := strings.CutPrefix(name, "header:")
		if known := name == "" || name == "body" || name == "t" || isHeader && header != ""; !known {
			return errors.New("not body, t or header:NAME")
		}
		return nil
	})
	if err == nil && !t.has("body") {
		err = errors.New("without {body} the content is not signed")
	}
	return t, err
}

// String gives the text of a template.
func (t template) String() string {
	var s strings.Builder
	for _, p := range t {
		s.WriteString(p.literal)
		if p.name != "" {
			s.WriteString("{" + p.name + "}")
		}
	}
	return s.String()
}

func (t template) has(name string) bool {
	for _, p := range t {
		if p.name == name {
			return true
		}
	}
	return false
}

// render is what is signed. The time goes in as the text that came, never printed anew.
func (t template) render(h http.Header, body []byte, time string) ([]byte, error) {
	var signed []byte
	for _, p := range t {
		signed = append(signed, p.literal...)
		switch p.name {
		case "":
		case "body":
			signed = append(signed, body...)
		case "t":
			signed = append(signed, time...)
		default:
			value, err := provider.OneHeader(h, strings.TrimPrefix(p.name, "header:"))
			if err != nil {
				return nil, fmt.Errorf("signed content: %w", err)
			}
			signed = append(signed, value...)
		}
	}
	return signed, nil
}
