package generic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// A selector says where a value stands. Of several alternatives the first one counts that is there and not empty:
//
//	/data/id                               a JSON pointer
//	header:svix-id                         a header of the request
//	text:user                              these words
//	{/instanceID}:{/sequence}              pointers and headers, with text between; all must be there
//	/data/id if /data/object is user       only where another value is so; * in it is any run of characters
//	/userId | /data/id                     alternatives
type selector []alternative

// An alternative gives a value from its parts, if its condition holds.
type alternative struct {
	parts []part
	when  *condition
}

// A part is a pointer, a header, or text.
type part struct {
	pointer pointer
	header  string
	text    string
}

// A condition compares a value of the document with a text, in which * stands for any run of characters.
type condition struct {
	at pointer
	is string
}

// A document is where selectors look: the payload of an event, and the headers of its delivery.
type document struct {
	value  provider.Value
	header http.Header
}

// parseSelector reads a selector. The empty text gives none.
func parseSelector(text string) (selector, error) {
	if text == "" {
		return nil, nil
	}
	var s selector
	for choice := range strings.SplitSeq(text, " | ") {
		value, when, err := cutCondition(strings.TrimSpace(choice))
		if err != nil {
			return nil, err
		}
		parts, err := parseParts(value)
		if err != nil {
			return nil, err
		}
		s = append(s, alternative{parts, when})
	}
	return s, nil
}

// cutCondition splits "value if /pointer is text".
func cutCondition(text string) (value string, when *condition, err error) {
	value, rest, found := strings.Cut(text, " if ")
	if !found {
		return text, nil, nil
	}
	at, is, found := strings.Cut(rest, " is ")
	if !found || is == "" {
		return "", nil, errors.New("a condition is written: if /pointer is text")
	}
	p, err := parsePointer(at)
	if err == nil && (len(p) == 0 || !p.single()) {
		err = errors.New("a condition looks at one value")
	}
	return value, &condition{p, is}, err
}

// parseParts reads one alternative without its condition.
func parseParts(text string) ([]part, error) {
	words, literal := strings.CutPrefix(text, "text:")
	switch {
	case literal && words == "":
		return nil, errors.New("text: is empty")
	case literal:
		return []part{{text: words}}, nil
	case strings.HasPrefix(text, "/"), strings.HasPrefix(text, "header:"):
		p, err := parsePart(text)
		return []part{p}, err
	case strings.Contains(text, "{"):
		return parseBraces(text)
	}
	return nil, errors.New("want a pointer that begins with /, header:NAME, text:WORDS, or these in braces")
}

func parsePart(text string) (part, error) {
	if name, ok := strings.CutPrefix(text, "header:"); ok {
		if name == "" || strings.ContainsAny(name, " :{}") {
			return part{}, errors.New("header: wants the name of a header")
		}
		return part{header: name}, nil
	}
	p, err := parsePointer(text)
	if err == nil && (len(p) == 0 || !p.single()) {
		err = errors.New("a pointer here names one value")
	}
	return part{pointer: p}, err
}

// parseBraces reads text in which {/pointer} and {header:NAME} stand for values.
func parseBraces(text string) ([]part, error) {
	var parts []part
	err := eachPiece(text, func(literal, name string) error {
		if literal != "" {
			parts = append(parts, part{text: literal})
		}
		if name == "" {
			return nil
		}
		p, err := parsePart(name)
		parts = append(parts, p)
		return err
	})
	return parts, err
}

// eachPiece splits text into literals, each with the name in braces after it; the last name is empty.
func eachPiece(text string, visit func(literal, name string) error) error {
	for text != "" {
		literal, rest, open := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		switch {
		case strings.Contains(literal, "}") || open && !closed:
			return errors.New("braces do not pair up")
		case open && (name == "" || strings.Contains(name, "{")):
			return errors.New("nothing, or a brace, in braces")
		}
		if err := visit(literal, name); err != nil {
			return fmt.Errorf("%q: %w", name, err)
		}
		text = after
	}
	return nil
}

// text is the value as text, empty where there is none.
func (s selector) text(d document) string {
	for _, a := range s {
		if found := a.text(d); found != "" {
			return found
		}
	}
	return ""
}

func (a alternative) text(d document) string {
	if !a.when.holds(d) {
		return ""
	}
	var all strings.Builder
	for _, p := range a.parts {
		found := p.in(d)
		if found == "" {
			return ""
		}
		all.WriteString(found)
	}
	return all.String()
}

func (p part) in(d document) string {
	switch {
	case p.pointer != nil:
		return text(p.pointer.get(d.value))
	case p.header != "":
		found, err := provider.OneHeader(d.header, p.header)
		if err != nil {
			return ""
		}
		return found
	}
	return p.text
}

// holds reports whether a condition is met; none always is.
func (c *condition) holds(d document) bool {
	if c == nil {
		return true
	}
	_, ok := provider.MatchGlob(c.is, text(c.at.get(d.value)))
	return ok
}

// raw is the value as JSON, nil where there is none: objects and arrays too where a pointer alone names them.
func (s selector) raw(d document) json.RawMessage {
	for _, a := range s {
		if !a.when.holds(d) {
			continue
		}
		if len(a.parts) == 1 && a.parts[0].pointer != nil {
			if v := a.parts[0].pointer.get(d.value); v.Kind() > provider.KindNull {
				return v.Raw()
			}
			continue
		}
		if found := a.text(d); found != "" {
			quoted, _ := json.Marshal(found) // a text always can be
			return quoted
		}
	}
	return nil
}
