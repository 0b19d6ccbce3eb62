package providertest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// A tampering is something a stranger might do to a signed delivery, or a wrong receiver. Their names:
//
//	value /payload/token      another value          (in JSON Pointers; #2: a name's second occurrence)
//	kind /payload/token       the same text as another JSON type
//	empty /payload/ip         null, "", [] and {} for each other
//	name /payload/token       another name
//	drop /payload/token       the member left out
//	blank, order              a blank more, the members the other way round
//	body                      of a body that is no JSON, each character changed in turn
//	path, path slash, query, method
//	header Signature          each character changed in turn
//	header Signature case, header Signature removed, header Signature twice
//	key                       other secrets, where there are any
//	clock later, clock earlier  ten years
//
// and those of [Suite.Tamper].
type tampering struct {
	name     string
	config   provider.Config
	requests []provider.Request // all are refused, or all are accepted
}

// testTampering tampers with the request of a case in every way and compares with what the case lists as uncovered.
func (s Suite) testTampering(t *testing.T, c testCase) {
	uncovered := c.lines("uncovered")
	seen := make(map[string]bool)
	for _, tampering := range s.tamperings(c) {
		i := slices.IndexFunc(uncovered, func(pattern string) bool { return matches(pattern, tampering.name) })
		if i >= 0 {
			seen[uncovered[i]] = true
		}
		s.testOne(t, tampering, i >= 0)
	}
	for _, pattern := range uncovered {
		if !seen[pattern] {
			t.Errorf("uncovered: %q is no tampering of this case", pattern)
		}
	}
}

func matches(pattern, name string) bool {
	if prefix, ok := strings.CutSuffix(pattern, "*"); ok {
		return strings.HasPrefix(name, prefix)
	}
	return pattern == name
}

func (s Suite) testOne(t *testing.T, tampering tampering, uncovered bool) {
	t.Helper()
	p, refused := s.New(tampering.config)
	for _, r := range tampering.requests {
		err := refused
		if refused == nil { // a key that no source starts with lets nothing in
			err = p.Verify(r)
		}
		switch {
		case err == nil && !uncovered:
			t.Errorf("tampered (%s) and accepted: %s", tampering.name, r.Body)
			return
		case err != nil && uncovered:
			t.Errorf("listed as uncovered, but refused (%s): %v", tampering.name, err)
			return
		}
	}
}

func (s Suite) tamperings(c testCase) []tampering {
	var all []tampering
	add := func(name string, requests ...provider.Request) {
		all = append(all, tampering{name, c.config, requests})
	}
	for _, e := range s.edits(c.request.Body) {
		add(e.name, edited(c.request, func(r *provider.Request) { r.Body = e.body }))
	}
	if s.Claims != nil {
		add("body", bodyTamperings(c.request)...)
	}
	add("path", edited(c.request, func(r *provider.Request) { setPath(r.URL, r.URL.EscapedPath()+"x") }))
	add("path slash", edited(c.request, func(r *provider.Request) { setPath(r.URL, r.URL.EscapedPath()+"/") }))
	add("query", edited(c.request, func(r *provider.Request) { r.URL.RawQuery += "&x=1" }))
	add("method", edited(c.request, func(r *provider.Request) { r.Method = http.MethodPut }))
	for name := range c.request.Header {
		all = append(all, headerTamperings(c, name)...)
	}
	if s.Tamper != nil {
		for name, r := range s.Tamper(edited(c.request, func(*provider.Request) {})) {
			add(name, r)
		}
	}
	return append(all, configTamperings(c)...)
}

func bodyTamperings(r provider.Request) (changed []provider.Request) {
	for i, c := range r.Body {
		body := string(r.Body[:i]) + other(c) + string(r.Body[i+1:])
		changed = append(changed, edited(r, func(r *provider.Request) { r.Body = []byte(body) }))
	}
	return changed
}

func headerTamperings(c testCase, name string) []tampering {
	value := c.request.Header.Get(name)
	with := func(values ...string) provider.Request {
		return edited(c.request, func(r *provider.Request) { r.Header[name] = values })
	}
	var changed []provider.Request
	for i := range len(value) {
		changed = append(changed, with(value[:i]+other(value[i])+value[i+1:]))
	}
	return []tampering{
		{"header " + name, c.config, changed},
		{"header " + name + " case", c.config, []provider.Request{with(strings.Map(swapCase, value))}},
		{"header " + name + " removed", c.config, []provider.Request{with()}},
		{"header " + name + " twice", c.config, []provider.Request{with(value, value)}},
	}
}

func configTamperings(c testCase) []tampering {
	requests := []provider.Request{c.request}
	key, later, earlier := c.config, c.config, c.config
	key.Secrets = nil
	for _, s := range c.config.Secrets {
		key.Secrets = append(key.Secrets, s+"x", "x"+s, s[1:]+"x")
	}
	later.Now = func() time.Time { return c.config.Now().AddDate(10, 0, 0) }
	earlier.Now = func() time.Time { return c.config.Now().AddDate(-10, 0, 0) }
	all := []tampering{{"clock later", later, requests}, {"clock earlier", earlier, requests}}
	if len(key.Secrets) > 0 {
		all = append(all, tampering{"key", key, requests})
	}
	return all
}

// edited gives a copy of r, changed by edit.
func edited(r provider.Request, edit func(*provider.Request)) provider.Request {
	u := *r.URL
	r.URL, r.Header, r.Body = &u, r.Header.Clone(), slices.Clone(r.Body)
	edit(&r)
	return r
}

// setPath sets an escaped path as a request line does.
func setPath(u *url.URL, escaped string) {
	if parsed, err := url.ParseRequestURI(escaped); err == nil {
		u.Path, u.RawPath = parsed.Path, parsed.RawPath
	}
}

// other is another character of the same sort.
func other(c byte) string {
	switch c {
	case 'z':
		return "a"
	case 'Z', '=':
		return "A"
	case '9':
		return "0"
	case '+':
		return "/"
	case '/':
		return "+"
	}
	return string(c + 1)
}

func swapCase(r rune) rune {
	switch {
	case r >= 'a' && r <= 'z':
		return r - 'a' + 'A'
	case r >= 'A' && r <= 'Z':
		return r - 'A' + 'a'
	}
	return r
}
