package generic

import (
	"fmt"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A native is a native action that the action map knows, and the rule that knows it.
type native struct {
	name string
	rule rule
}

// Natives are those that the action map names. A glob stands for every native action that it makes one of ours, or for
// one in which * is the word sample.
func (p *Provider) Natives() []provider.Native {
	var list []provider.Native
	for _, n := range p.reader.actions.natives() {
		if e, ok := p.trial(n); ok {
			list = append(list, provider.Native{Name: n.name, Action: e.Action})
		}
	}
	return list
}

// natives lists each native action once, by name. Of several rules the one without a condition counts.
func (a actions) natives() []native {
	byName := make(map[string]rule)
	for _, r := range a.rules {
		for _, name := range a.names(r) {
			if first, known := byName[name]; !known || first.when != nil && r.when == nil && first.glob == r.glob {
				byName[name] = r
			}
		}
	}
	list := make([]native, 0, len(byName))
	for name, r := range byName {
		list = append(list, native{name, r})
	}
	slices.SortFunc(list, func(a, b native) int { return strings.Compare(a.name, b.name) })
	return list
}

// names are native actions that a rule is about.
func (a actions) names(r rule) []string {
	var names []string
	switch {
	case !strings.Contains(r.glob, "*"):
		return []string{r.glob}
	case r.action == same || strings.Contains(r.action, "*"):
		for action := range a.known {
			if captured, ok := provider.MatchGlob(strings.Replace(r.action, same, r.glob, 1), string(action)); ok {
				names = append(names, strings.Replace(r.glob, "*", captured, 1))
			}
		}
		return names
	}
	return []string{strings.ReplaceAll(r.glob, "*", "sample")}
}

// trial reads a sample back. Not every native action of a glob can be had: another rule may come first.
func (p *Provider) trial(n native) (schema.Event, bool) {
	v, err := provider.ParseObject(p.content(n, make(map[string]string)))
	if err != nil {
		return schema.Event{}, false
	}
	e, err := p.reader.event(document{value: v}, v.Raw())
	return e, err == nil && e.Native == n.name
}

// Sample makes a delivery of a native action that Natives lists, by the selectors: everything that they look at is there.
// Tokens are not made: where the delivery is one, the sample is its claims.
func (p *Provider) Sample(name string) (provider.Request, error) {
	list := p.reader.actions.natives()
	i := slices.IndexFunc(list, func(n native) bool { return n.name == name })
	if i < 0 {
		return provider.Request{}, fmt.Errorf("generic: no native action %q in actions", name)
	}
	headers := make(map[string]string)
	var body any = rawJSON(p.content(list[i], headers))
	if p.reader.several {
		body = place(nil, p.reader.batch, []any{body})
	}
	r, err := provider.JSONRequest(p.path, body)
	if err != nil {
		return r, err
	}
	if len(p.options.Methods) > 0 {
		r.Method = p.options.Methods[0]
	}
	if len(p.options.ContentTypes) > 0 {
		r.Header.Set("Content-Type", p.options.ContentTypes[0])
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	return r, nil
}
