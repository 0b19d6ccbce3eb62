package schema

import (
	"strings"
	"time"
)

// An Action is what happened, in our words: category.verb, two tokens of [a-z][a-z0-9_]*, past tense, each at most 64
// bytes. It keys the subject. "otp.requested".
type Action string

// maxToken bounds a token of a subject: a subject that is too long would end the connection that publishes it.
const maxToken = 64

// CategoryOther is the category of what is not classified, or unknown.
const CategoryOther = "other"

// Valid reports whether a has the form of an action, known or not.
func (a Action) Valid() bool {
	category, verb, ok := strings.Cut(string(a), ".")
	return ok && validName(category) && validName(verb)
}

// Category is the first token of a valid action: "otp".
func (a Action) Category() string {
	category, _, _ := strings.Cut(string(a), ".")
	return category
}

// Urgent lists the actions that overtake a backlog: commands and security. Configuration may choose others.
func Urgent() []Action {
	var urgent []Action
	for _, a := range Actions() {
		if a.Urgent {
			urgent = append(urgent, a.Action)
		}
	}
	return urgent
}

// Lifetimes lists the actions whose messages the stream forgets early. Configuration may choose others.
func Lifetimes() map[Action]time.Duration {
	lifetimes := make(map[Action]time.Duration)
	for _, a := range Actions() {
		if a.Lifetime > 0 {
			lifetimes[a.Action] = a.Lifetime
		}
	}
	return lifetimes
}

// outcome is the outcome of an action whose provider tells none.
func (a Action) outcome(s Semantics) Outcome {
	switch {
	case s == Command:
		return Unknown
	case strings.HasSuffix(string(a), ".failed"), strings.HasSuffix(string(a), "_failed"), a == "login.blocked":
		return Failure
	}
	return Success
}

// validName reports whether s is a token of an action: [a-z][a-z0-9_]{0,63}.
func validName(s string) bool {
	if s == "" || len(s) > maxToken || !isLower(s[0]) {
		return false
	}
	for i := range len(s) {
		if !isLower(s[i]) && !isDigit(s[i]) && s[i] != '_' {
			return false
		}
	}
	return true
}

func isLower(c byte) bool { return 'a' <= c && c <= 'z' }

func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
