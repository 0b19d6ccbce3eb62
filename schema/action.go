package schema

import "time"

// An Action is what happened, in our words: category.verb, two tokens of [a-z][a-z0-9_]*, past tense. It keys the
// subject. "otp.requested".
type Action string

// Urgent lists the actions that overtake a backlog: commands and security. Configuration may choose others.
func Urgent() []Action {
	return []Action{
		"otp.requested", "password.reset", "token.revoked", "session.revoked",
		"cache.reset", "user.disabled", "user.locked", "credential.compromised",
	}
}

// Lifetimes lists the actions whose messages the stream forgets early. Configuration may choose others.
func Lifetimes() map[Action]time.Duration {
	return map[Action]time.Duration{"otp.requested": 10 * time.Minute}
}
