package provider

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/dunglas/httpsfv"
)

// base is what is signed (RFC 9421, section 2.5): a line for each component, and the list itself, its parameters in the
// order in which they came.
func (s *HTTPSignature) base(r Request, input httpsfv.InnerList) ([]byte, error) {
	covered, err := components(input)
	if err != nil {
		return nil, err
	}
	base := make([]byte, 0, 512)
	for i, name := range covered {
		value, err := s.component(r, name)
		if err != nil {
			return nil, fmt.Errorf("component %d: %w", i+1, err)
		}
		base = fmt.Appendf(base, "%q: %s\n", name, value)
	}
	params, err := httpsfv.Marshal(input)
	if err != nil {
		return nil, errors.New("components: cannot be written")
	}
	return fmt.Appendf(base, `"@signature-params": %s`, params), nil
}

// components are the names in a list: each a text without parameters of its own, and there once.
func components(input httpsfv.InnerList) ([]string, error) {
	names := make([]string, len(input.Items))
	seen := make(map[string]bool, len(names))
	for i, item := range input.Items {
		name, ok := item.Value.(string)
		switch {
		case !ok || !componentName(name):
			return nil, errors.New("components: one is not a name in lower case")
		case len(item.Params.Names()) > 0:
			return nil, errors.New("components: one has parameters")
		case seen[name]:
			return nil, errors.New("components: one is there twice")
		}
		names[i], seen[name] = name, true
	}
	return names, nil
}

// componentName reports whether name is that of a derived component or of a header field (RFC 9110, section 5.6.2).
func componentName(name string) bool {
	const marks = "!#$%&'*+-.^_`|~"
	name = strings.TrimPrefix(name, "@")
	other := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune(marks, r)
	}
	return name != "" && strings.IndexFunc(name, other) < 0
}

// derived reports whether a component is one that is read from the request line and that we know.
func derived(name string) bool {
	switch name {
	case "@method", "@target-uri", "@authority", "@path", "@query":
		return true
	}
	return false
}

// component is the value of a covered component. Bytes that a line cannot hold are refused.
func (s *HTTPSignature) component(r Request, name string) (string, error) {
	value, err := s.componentText(r, name)
	if err != nil {
		return "", err
	}
	unwritable := func(c rune) bool { return (c < ' ' && c != '\t') || c > '~' }
	if strings.IndexFunc(value, unwritable) >= 0 {
		return "", errors.New("value: not printable ASCII")
	}
	return value, nil
}

func (s *HTTPSignature) componentText(r Request, name string) (string, error) {
	switch name {
	case "@method":
		return r.Method, nil
	case "@target-uri":
		return s.scheme + "://" + s.authority + s.path(r.URL) + query(r.URL), nil
	case "@authority":
		return s.authority, nil
	case "@path":
		return s.path(r.URL), nil
	case "@query":
		return "?" + r.URL.RawQuery, nil
	}
	if strings.HasPrefix(name, "@") {
		return "", errors.New("not supported")
	}
	if len(r.Header.Values(name)) == 0 {
		return "", errors.New("header: missing")
	}
	return fieldValue(r.Header, name), nil
}

// path is the path that the sender called, its escapes as written.
func (s *HTTPSignature) path(u *url.URL) string {
	if path := s.prefix + WrittenPath(u); path != "" {
		return path
	}
	return "/"
}

// query is the query with its question mark, nothing where the request line had none.
func query(u *url.URL) string {
	if u.RawQuery == "" && !u.ForceQuery {
		return ""
	}
	return "?" + u.RawQuery
}

// authority is the host in lower case, with its port unless that is the scheme's own.
func authority(u *url.URL) string {
	port := map[string]string{"http": ":80", "https": ":443"}[u.Scheme]
	return strings.TrimSuffix(strings.TrimSuffix(strings.ToLower(u.Host), port), ":")
}
