package schema

import (
	"errors"
	"fmt"
	"strings"
)

var (
	errPrefix  = errors.New("prefix: not one to 64 letters, digits, '_' and '-'")
	errSource  = errors.New("source: not a token [a-z0-9][a-z0-9_-]{0,63}")
	errAction  = errors.New("action: not category.verb, each [a-z][a-z0-9_]{0,63}")
	errSubject = errors.New("not <prefix>.<source>.<category>.<verb>")
)

// Subject is where an event is published: "<prefix>.<source>.<category>.<verb>", always four tokens. Different sources
// and actions never share a subject.
func Subject(prefix, source string, a Action) (string, error) {
	switch {
	case !validPrefix(prefix):
		return "", errPrefix
	case !ValidSource(source):
		return "", errSource
	case !a.Valid():
		return "", errAction
	}
	return prefix + "." + source + "." + string(a), nil
}

// ParseSubject reads what [Subject] built with the same prefix, and nothing else.
func ParseSubject(prefix, subject string) (source string, a Action, err error) {
	rest, ok := strings.CutPrefix(subject, prefix+".")
	if !validPrefix(prefix) || !ok {
		return "", "", fmt.Errorf("parse subject: %w", errSubject)
	}
	source, action, _ := strings.Cut(rest, ".")
	if !ValidSource(source) || !Action(action).Valid() {
		return "", "", fmt.Errorf("parse subject: %w", errSubject)
	}
	return source, Action(action), nil
}

// ValidSource reports whether s can name a source: a token [a-z0-9][a-z0-9_-]{0,63}.
func ValidSource(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isLower(c) && !isDigit(c) && (i == 0 || c != '_' && c != '-') {
			return false
		}
	}
	return true
}

// validPrefix reports whether s can start our subjects: one token, so that they keep their four.
func validPrefix(s string) bool {
	if s == "" || len(s) > maxToken {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isLower(c) && !isUpper(c) && !isDigit(c) && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// anySubject reads the subject of an event wherever it lies: in the stream, or as a copy for one consumer
// ("<prefix>-redrive.<consumer>.…", "<prefix>-dead.<consumer>.…").
func anySubject(subject string) (source string, a Action, err error) {
	prefix, rest, _ := strings.Cut(subject, ".")
	if strings.HasSuffix(prefix, "-redrive") || strings.HasSuffix(prefix, "-dead") {
		_, event, _ := strings.Cut(rest, ".")
		if source, a, err = ParseSubject(prefix, prefix+"."+event); err == nil {
			return source, a, nil
		}
	}
	return ParseSubject(prefix, subject)
}
