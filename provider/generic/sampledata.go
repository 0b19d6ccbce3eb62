package generic

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// rawJSON is JSON that goes out as it is.
type rawJSON = json.RawMessage

// A draft is a payload in the making.
type draft struct {
	root    any
	headers map[string]string
}

// content makes the payload of a native action, and the headers that selectors look at. What is written last counts:
// the conditions, and the native action itself.
func (p *Provider) content(n native, headers map[string]string) []byte {
	d := draft{root: map[string]any{}, headers: headers}
	d.put(p.reader.id, func() any { return provider.RandomHex(16) })
	for _, m := range p.reader.members {
		d.put(m.from, func() any { return sampleMember(m) })
	}
	d.put(p.reader.time, func() any { return p.sampleTime() })
	d.put(p.reader.tenant, func() any { return "org_1" })
	d.put(p.reader.subject, func() any { return "user_1" })
	if success := p.options.Outcome.Success; len(success) > 0 {
		d.put(p.reader.outcome, func() any { return success[0] })
	}
	if n.rule.when != nil {
		d.root = place(d.root, n.rule.when.at, literal(n.rule.when.is))
	}
	d.split(p.reader.native, n.name)
	text, _ := json.Marshal(d.root) // texts, numbers, booleans, lists and maps can be
	return text
}

// put writes a value where the best alternative of a selector looks: one without a condition, else the first.
func (d *draft) put(s selector, value func() any) {
	if len(s) == 0 {
		return
	}
	i := max(0, slices.IndexFunc(s, func(a alternative) bool { return a.when == nil }))
	for _, p := range s[i].parts {
		d.putPart(p, value)
	}
	if when := s[i].when; when != nil {
		d.root = place(d.root, when.at, literal(when.is))
	}
}

func (d *draft) putPart(p part, value func() any) {
	switch {
	case p.pointer != nil:
		d.root = place(d.root, p.pointer, value())
	case p.header != "":
		if text, ok := value().(string); ok {
			d.headers[p.header] = text
		}
	}
}

// split writes a text where the parts of a selector look, cut at the literals between them.
func (d *draft) split(s selector, text string) {
	parts := s[0].parts
	for i, p := range parts {
		if p.pointer == nil && p.header == "" {
			text = strings.TrimPrefix(text, p.text)
			continue
		}
		piece := text
		if i+1 < len(parts) {
			piece, _, _ = strings.Cut(text, parts[i+1].text)
		}
		text = text[len(piece):]
		d.putPart(p, func() any { return piece })
	}
	if when := s[0].when; when != nil {
		d.root = place(d.root, when.at, literal(when.is))
	}
}

// literal is a condition's text as JSON that fits it: true, 7 or a text.
func literal(text string) any {
	text = strings.ReplaceAll(text, "*", "sample")
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		switch v.(type) {
		case bool, float64:
			return rawJSON(text)
		}
	}
	return text
}

// place puts a value into a tree of maps and lists, and makes what is missing on the way.
func place(tree any, p pointer, value any) any {
	if len(p) == 0 {
		return value
	}
	s, rest := p[0], p[1:]
	if s.conditional {
		return placeIn(tree, s, rest, value)
	}
	if index, err := strconv.Atoi(s.name); err == nil && index >= 0 && index < 16 {
		list, _ := tree.([]any)
		for len(list) <= index {
			list = append(list, map[string]any{})
		}
		list[index] = place(list[index], rest, value)
		return list
	}
	object, ok := tree.(map[string]any)
	if !ok {
		object = make(map[string]any)
	}
	object[s.name] = place(object[s.name], rest, value)
	return object
}

// placeIn puts a value into the element of a list that a step asks for.
func placeIn(tree any, s step, rest pointer, value any) []any {
	list, _ := tree.([]any)
	i := slices.IndexFunc(list, func(element any) bool {
		object, ok := element.(map[string]any)
		return ok && object[s.member] == any(s.is)
	})
	if i < 0 {
		i, list = len(list), append(list, map[string]any{s.member: s.is})
	}
	list[i] = place(list[i], rest, value)
	return list
}

func (p *Provider) sampleTime() any {
	text := writeTime(p.reader.timeFormat, p.now())
	if p.reader.timeFormat == "rfc3339" {
		return text
	}
	return rawJSON(text)
}

func sampleMember(m member) any {
	switch {
	case m.flag:
		return true
	case m.name == "client.ip":
		return "203.0.113.7"
	case m.name == "user.email":
		return "ada@example.com"
	case m.name == "user.phone_number":
		return "+15555550100"
	case m.name == "actor.type":
		return "user"
	}
	return "sample " + m.name[strings.LastIndexByte(m.name, '.')+1:]
}
