package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/forebayhq/forebay/schema"
)

// actionFilter is an action in which either part may be a wildcard.
var actionFilter = regexp.MustCompile(`^([a-z][a-z0-9_]*|\*)\.([a-z][a-z0-9_]*|\*|>)$`)

// subjectFilter makes a NATS subject of what a person writes: an action, source:NAME, or a subject. Nothing means every
// event; copies that were made for one consumer alone need their subject.
func subjectFilter(prefix, text string) (string, error) {
	source, isSource := strings.CutPrefix(text, "source:")
	switch {
	case text == "" || text == "*" || text == ">":
		return prefix + ".>", nil
	case isSource && schema.ValidSource(source):
		return prefix + "." + source + ".>", nil
	case isSource:
		return "", fmt.Errorf("filter %q: no source has such a name", text)
	case isSubject(prefix, text):
		return text, nil
	case actionFilter.MatchString(text):
		return prefix + ".*." + text, nil
	}
	return "", fmt.Errorf("filter %q: want an action such as otp.requested or user.*, source:NAME, "+
		"or a subject such as %s.*.otp.>", text, prefix)
}

// isSubject tells the subject identity.ssofy.> from the action identity.linked: one has four tokens or ends in ">".
func isSubject(prefix, text string) bool {
	rest, ok := strings.CutPrefix(text, prefix+".")
	if !ok {
		rest, ok = strings.CutPrefix(text, prefix+"-redrive.")
	}
	tokens := strings.Split(rest, ".")
	for i, token := range tokens {
		last := i == len(tokens)-1
		if token == "" || strings.ContainsAny(token, " \t\r\n") || token == ">" && !last {
			return false
		}
	}
	return ok && (len(tokens) >= 3 || tokens[len(tokens)-1] == ">")
}
