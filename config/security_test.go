package config

import (
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

const securityPath = "../docs/security.md"

var (
	codeSpan    = regexp.MustCompile("`([a-z_]+(?:\\.[A-Za-z_]+)*)`")
	yamlExample = regexp.MustCompile("(?s)```yaml\n(.*?)```")
)

// The page on security names keys that there are, and its example loads.
func TestSecurityPage(t *testing.T) {
	page, err := os.ReadFile(securityPath)
	if err != nil {
		t.Fatal(err)
	}
	named := 0
	for _, m := range codeSpan.FindAllStringSubmatch(string(page), -1) {
		if parts := strings.Split(m[1], "."); len(parts) > 1 && isKey(reflect.TypeFor[Config](), parts[:1]) {
			named++
			if !isKey(reflect.TypeFor[Config](), parts) {
				t.Errorf("there is no key %s", m[1])
			}
		}
	}
	if named < 10 {
		t.Errorf("the page names %d keys", named)
	}
	example := yamlExample.FindSubmatch(page)
	if example == nil {
		t.Fatal("the page has no example")
	}
	cert, key := pair(t)
	path := write(t, string(example[1])+"consumers: {audit: {}}\n", "nats-cert.pem", cert, "nats-key.pem", key)
	if _, err := Load(path, Options{Getenv: func(name string) string { return name }}); err != nil {
		t.Error(err)
	}
}

// isKey reports whether a path leads to a key. NAME stands for any name.
func isKey(in reflect.Type, path []string) bool {
	for _, part := range path {
		switch in.Kind() {
		case reflect.Map, reflect.Slice:
			in = in.Elem()
			continue // the part is a name
		case reflect.Struct:
		default:
			return false
		}
		i, ok := tagged(in)[part]
		if !ok {
			return false
		}
		in = in.Field(i).Type
	}
	return true
}
