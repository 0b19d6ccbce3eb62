package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// An edit is a JSON text that differs from another in one thing.
type edit struct {
	name string
	body []byte
}

// A node is a JSON value that keeps the order of members and repeated names.
type node struct {
	name    string
	member  bool
	kind    json.Delim // '{', '[' or 0
	value   any        // where kind is 0: string, json.Number, bool or nil
	kids    []*node
	dropped bool
}

// edits gives every edit of a JSON text; none where it cannot be read.
func edits(body []byte) []edit {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	root, err := readNode(d)
	if err != nil {
		return nil
	}
	e := editor{root: root, before: root.append(nil)}
	e.visit(root, "")
	e.edits = append(e.edits, edit{"blank", append([]byte{body[0], ' '}, body[1:]...)})
	e.try("order", func() { root.reverse() }, func() { root.reverse() })
	return e.edits
}

func readNode(d *json.Decoder) (*node, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	n := &node{value: token}
	delim, ok := token.(json.Delim)
	if !ok {
		return n, nil
	}
	n.kind = delim
	for d.More() {
		var name any
		if delim == '{' {
			if name, err = d.Token(); err != nil {
				return nil, err
			}
		}
		kid, err := readNode(d)
		if err != nil {
			return nil, err
		}
		kid.name, kid.member = name.(string)
		n.kids = append(n.kids, kid)
	}
	_, err = d.Token()
	return n, err
}

func (n *node) reverse() {
	slices.Reverse(n.kids)
	for _, k := range n.kids {
		if n.kind == '{' && k.kind == '{' {
			k.reverse()
		}
	}
}

func (n *node) append(dst []byte) []byte {
	if n.kind == 0 {
		return append(dst, marshal(n.value)...)
	}
	dst = append(dst, byte(n.kind))
	first := true
	for _, k := range n.kids {
		if k.dropped {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if k.member {
			dst = append(append(dst, marshal(k.name)...), ':')
		}
		dst = k.append(dst)
	}
	return append(dst, byte(n.kind)+2) // the closing one
}

func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts, numbers, booleans and null can be marshalled
	}
	return text
}

// An editor makes the edits of a tree: it changes a node, writes the tree, and changes it back.
type editor struct {
	root   *node
	before []byte // the tree as it was
	edits  []edit
}

func (e *editor) try(name string, do, undo func()) {
	do()
	defer undo()
	if body := e.root.append(nil); !bytes.Equal(body, e.before) {
		e.edits = append(e.edits, edit{name, body})
	}
}

func (e *editor) visit(n *node, pointer string) {
	if n.member {
		name := n.name
		e.try("name "+pointer, func() { n.name += "x" }, func() { n.name = name })
		e.try("drop "+pointer, func() { n.dropped = true }, func() { n.dropped = false })
	}
	if n.kind == 0 || len(n.kids) == 0 {
		e.leaf(n, pointer)
	}
	times := make(map[string]int)
	for i, k := range n.kids {
		key := strconv.Itoa(i)
		if k.member {
			key = k.name
		}
		if times[key]++; times[key] > 1 {
			key += fmt.Sprintf("#%d", times[key])
		}
		e.visit(k, pointer+"/"+key)
	}
}

func (e *editor) leaf(n *node, pointer string) {
	before := *n
	set := func(what string, v any) {
		e.try(what+" "+pointer, func() { n.kind, n.value = 0, v }, func() { *n = before })
	}
	if n.kind != 0 {
		set("value", "x")
		set("empty", nil)
		return
	}
	switch v := n.value.(type) {
	case nil:
		set("value", "x")
		set("empty", "")
	case bool:
		set("value", !v)
		set("kind", map[bool]string{true: "1", false: "0"}[v])
	case json.Number:
		digits, _ := strings.CutPrefix(v.String(), "-")
		set("value", json.Number(strings.Repeat("-", len(v)-len(digits))+"1"+digits))
		set("kind", v.String())
	case string:
		set("value", v+"x")
		if v == "" {
			set("empty", nil)
			return
		}
		e.try("kind "+pointer, func() { *n = node{name: n.name, member: n.member, kind: '[', kids: []*node{&before}} },
			func() { *n = before })
	}
}
