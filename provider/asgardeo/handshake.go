package asgardeo

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// maxChallenge bounds a challenge in bytes. WSO2's hub sends UUIDs.
const maxChallenge = 512

// Handshake answers a hub's verification of intent (W3C WebSub, section 5.3), once for each channel that is ticked in
// the console and again whenever it is. In mode direct there is none.
func (p *Provider) Handshake(r provider.Request) (provider.Answer, bool) {
	if r.Method != http.MethodGet || p.options.Mode == Direct {
		return provider.Answer{}, false
	}
	query := r.URL.RawQuery
	mode, hasMode := parameter(query, "hub.mode")
	topic, hasTopic := parameter(query, "hub.topic")
	if !hasMode || !hasTopic {
		return provider.Answer{Status: http.StatusBadRequest}, true
	}
	switch mode {
	case "denied", "hub-error": // news of a subscription, the latter WSO2's own: there is nothing to confirm
		reason, _ := parameter(query, "hub.reason")
		return provider.Answer{Status: http.StatusOK, Note: note(mode, topic, reason)}, true
	case "subscribe", "unsubscribe":
		return p.confirm(query, mode, topic), true
	}
	return provider.Answer{Status: http.StatusNotFound}, true
}

// note is for the log. Anybody may send a handshake, so what it says is cut.
func note(mode, topic, reason string) string {
	return fmt.Sprintf("%s of topic %.100q: %.100q", mode, topic, reason)
}

// confirm echoes the challenge where the subscription, or its end, is wanted. Nothing may follow it: the hub compares the
// whole text.
func (p *Provider) confirm(query, mode, topic string) provider.Answer {
	challenge, ok := parameter(query, "hub.challenge")
	switch {
	case !ok || len(challenge) > maxChallenge || !printable(challenge):
		return provider.Answer{Status: http.StatusBadRequest}
	case mode == "unsubscribe" && !p.options.Unsubscribe:
		return provider.Answer{Status: http.StatusNotFound, Note: note(mode, topic, "asgardeo.unsubscribe is off")}
	case !p.wants(topic):
		return provider.Answer{Status: http.StatusNotFound, Note: note(mode, topic, "not in asgardeo.topics")}
	}
	return provider.Answer{
		Status: http.StatusOK, Note: note(mode, topic, "confirmed"),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
		Body:   []byte(challenge),
	}
}

func (p *Provider) wants(topic string) bool {
	return slices.ContainsFunc(p.options.Topics, func(glob string) bool { return matches(glob, topic) })
}

// parameter is the decoded value of a parameter that is there exactly once, not empty and decodable. The endpoint's own
// parameters may stand before it. A value may hold semicolons, which net/url refuses: the hub escapes nothing.
func parameter(query, name string) (value string, ok bool) {
	times := 0
	for pair := range strings.SplitSeq(query, "&") {
		key, text, _ := strings.Cut(pair, "=")
		if key, err := url.QueryUnescape(key); err != nil || key != name {
			continue
		}
		times++
		var err error
		if value, err = url.QueryUnescape(text); err != nil {
			return "", false
		}
	}
	return value, times == 1 && value != ""
}

// printable reports whether s is printable ASCII, blanks included.
func printable(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r > '~' }) < 0
}

// matches reports whether a glob, in which * stands for any run of characters, matches the whole of s.
func matches(glob, s string) bool {
	parts := strings.Split(glob, "*")
	first, rest := parts[0], parts[1:]
	s, ok := strings.CutPrefix(s, first)
	if len(rest) == 0 {
		return ok && s == ""
	}
	last := len(rest) - 1
	for _, part := range rest[:last] {
		var found bool
		if _, s, found = strings.Cut(s, part); !found {
			return false
		}
	}
	return ok && strings.HasSuffix(s, rest[last])
}
