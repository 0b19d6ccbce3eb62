package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// reference matches what expand replaces: an escaped ${, a variable, and a ${ that is neither.
var reference = regexp.MustCompile(`\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{`)

// expand replaces each ${NAME} in text by a variable of the environment and each $${ by ${. What a variable holds is
// not looked at again. An unset and an empty variable are the same error: getenv does not tell them apart, and an empty
// secret is none.
func expand(text string, getenv func(string) string) (string, error) {
	var out strings.Builder
	last := 0
	for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
		out.WriteString(text[last:m[0]])
		last = m[1]
		switch {
		case text[m[0]:m[1]] == "$${":
			out.WriteString("${")
		case m[2] < 0:
			return "", errors.New("${ is not followed by a name and }; a plain ${ is written $${")
		default:
			name := text[m[2]:m[3]]
			value := getenv(name)
			if value == "" {
				return "", fmt.Errorf("environment variable %s is not set, or empty", name)
			}
			out.WriteString(value)
		}
	}
	out.WriteString(text[last:])
	return out.String(), nil
}
