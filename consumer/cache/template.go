package cache

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// A rule yields keys or URLs for the events that its pattern chooses.
type rule struct {
	pattern  string // "token.revoked", "user.*", "*"
	template *template.Template
}

type rules []rule

// An opener opens a compact JWE; nil: the private key is not here.
type opener func(sealed string) ([]byte, error)

func compileKeys(all map[string][]string, open opener) (rules, error) {
	return compile(all, func(text string) (*template.Template, error) {
		if strings.Contains(text, "*") {
			return nil, errors.New("a key is an exact name: * is no pattern; to drop many at once there is reset.prefix")
		}
		return newTemplate(text, valueText(open, func(s string) (string, error) { return s, nil }))
	})
}

// host is how a template of a URL begins: no value of an event decides where a request goes.
var host = regexp.MustCompile(`^https?://[^/{}?#\s]+/`)

func compileURLs(all map[string][]string, open opener) (rules, error) {
	return compile(all, func(text string) (*template.Template, error) {
		if !host.MatchString(strings.TrimSpace(text)) {
			return nil, errors.New("does not begin with http:// or https://, a host in clear and a /")
		}
		return newTemplate(strings.TrimSpace(text), valueText(open, escape))
	})
}

func compile(all map[string][]string, one func(text string) (*template.Template, error)) (made rules, err error) {
	for _, pattern := range slices.Sorted(maps.Keys(all)) {
		if !consumer.ValidPattern(pattern) {
			return nil, fmt.Errorf("%q is no action, category.* or *", pattern)
		}
		for _, text := range all[pattern] {
			if blank(text) {
				return nil, fmt.Errorf("%s: template %q names nothing", pattern, text)
			}
			t, err := one(text)
			if err != nil {
				return nil, fmt.Errorf("%s: template %q: %w", pattern, text, err)
			}
			made = append(made, rule{pattern, t})
		}
	}
	return made, nil
}

// yield gives what all rules yield for an event, each once.
func (all rules) yield(a schema.Action, event map[string]any) (yielded []string, err error) {
	for _, r := range all {
		if !consumer.Matches(r.pattern, a) {
			continue
		}
		lines, err := r.yield(event)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.pattern, err)
		}
		yielded = append(yielded, lines...)
	}
	slices.Sort(yielded)
	return slices.Compact(yielded), nil
}

// yield gives one rule's lines: none where the event lacks what the template asks for. What names nothing is left out,
// so that no accident of a template reaches beyond it.
func (r rule) yield(event map[string]any) (lines []string, err error) {
	var b strings.Builder
	err = r.template.Execute(&b, event)
	if refused := (refusedError{}); errors.As(err, &refused) {
		return nil, refused
	}
	if err != nil { // a member is missing: the only other thing that can go wrong with a checked template
		return nil, nil
	}
	lines = strings.Split(b.String(), "\n")
	return slices.DeleteFunc(lines, blank), nil
}

// newTemplate parses a template and puts text behind every value that it prints, as html/template does with its escapers.
func newTemplate(source string, text func(any) (string, error)) (*template.Template, error) {
	t, err := template.New("key").Funcs(template.FuncMap{"text": text}).Parse(source)
	if err != nil {
		return nil, err
	}
	for _, part := range t.Templates() {
		w := walker{}
		if part == t { // the dot of any other is what it is called with
			w.root, w.dot = theEvent(), theEvent()
		}
		w.list(part.Root)
		if w.err != nil {
			return nil, w.err
		}
	}
	return t, nil
}

// A walker prepares a parsed template.
type walker struct {
	root, dot member
	err       error
}

func (w *walker) list(l *parse.ListNode) {
	if l == nil {
		return
	}
	for _, n := range l.Nodes {
		w.node(n)
	}
}

func (w *walker) node(n parse.Node) {
	switch n := n.(type) {
	case *parse.ActionNode:
		w.pipe(n.Pipe)
		if len(n.Pipe.Decl) == 0 {
			n.Pipe.Cmds = append(n.Pipe.Cmds, &parse.CommandNode{
				NodeType: parse.NodeCommand, Args: []parse.Node{parse.NewIdentifier("text").SetPos(n.Pos)},
			})
		}
	case *parse.IfNode:
		w.pipe(n.Pipe)
		w.branch(n.BranchNode, w.dot)
	case *parse.RangeNode:
		w.branch(n.BranchNode, element(w.pipe(n.Pipe)))
	case *parse.WithNode:
		w.branch(n.BranchNode, w.pipe(n.Pipe))
	}
}

// branch looks at what depends on a condition. dot is what the dot is there.
func (w *walker) branch(n parse.BranchNode, dot member) {
	w.list(n.ElseList)
	outer := w.dot
	w.dot = dot
	w.list(n.List)
	w.dot = outer
}

// pipe looks at what a pipe begins with, and says what comes out of it where it is that and nothing else.
func (w *walker) pipe(p *parse.PipeNode) (m member) {
	for _, command := range p.Cmds {
		for _, argument := range command.Args {
			m = w.of(argument)
		}
	}
	if len(p.Cmds) != 1 || len(p.Cmds[0].Args) != 1 {
		return nil
	}
	return m
}

// A refusedError is a value that cannot be part of a key. It does not hold the value.
type refusedError struct{ reason string }

func (e refusedError) Error() string { return e.reason }

// errAbsent ends a template whose value is not there.
var errAbsent = errors.New("absent")

// valueText turns a value of an event into text, and finishes it.
func valueText(open opener, finish func(string) (string, error)) func(any) (string, error) {
	return func(value any) (string, error) {
		text, err := plain(value, open)
		if err != nil {
			return "", err
		}
		if text == "" {
			return "", errAbsent
		}
		if strings.ContainsAny(text, "\r\n\x00") {
			return "", refusedError{"a value holds a line break or NUL"}
		}
		return finish(text)
	}
}

func plain(value any, open opener) (string, error) {
	switch v := value.(type) {
	case nil:
		return "", errAbsent
	case string:
		return v, nil
	case json.Number, bool, int:
		return fmt.Sprint(v), nil
	case map[string]any:
		if sealed, ok := v["sealed"].(string); ok {
			return unseal(sealed, open)
		}
	}
	return "", refusedError{"a value is an object or a list: name one of its members"}
}

func unseal(sealed string, open opener) (string, error) {
	if open == nil {
		return "", refusedError{"a value is sealed and the private key is not here: a key needs the readable value"}
	}
	text, err := open(sealed)
	if err != nil {
		return "", refusedError{"a value is sealed: " + err.Error()}
	}
	return string(text), nil
}

// escape makes a value one segment of a path, or a part of one.
func escape(s string) (string, error) {
	if s == "." || s == ".." {
		return "", refusedError{"a value is . or .., which a path cannot hold"}
	}
	return url.PathEscape(s), nil
}
