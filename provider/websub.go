package provider

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// MaxChallenge bounds what a handshake echoes, in bytes.
const MaxChallenge = 512

// A WebSub answers a hub's verification of intent (W3C WebSub, section 5.3).
type WebSub struct {
	Topics      []string // that may be subscribed to; * stands for any run of characters
	Unsubscribe bool     // confirms removals too
	Setting     string   // what Topics and Unsubscribe are below in the configuration, for notes: "asgardeo"
}

// Answer answers the GET of a hub by its query.
func (w WebSub) Answer(query string) Answer {
	mode, okMode := QueryOnce(query, "hub.mode")
	topic, okTopic := QueryOnce(query, "hub.topic")
	if !okMode || !okTopic {
		return Answer{Status: http.StatusBadRequest}
	}
	switch mode {
	case "denied", "hub-error": // news of a subscription, the latter WSO2's own: there is nothing to confirm
		reason, _ := QueryOnce(query, "hub.reason")
		return Answer{Status: http.StatusOK, Note: webSubNote(mode, topic, reason)}
	case "subscribe", "unsubscribe":
		return w.confirm(query, mode, topic)
	}
	return Answer{Status: http.StatusNotFound}
}

// webSubNote is for the log. Anybody may send a handshake, so what it says is cut.
func webSubNote(mode, topic, reason string) string {
	return fmt.Sprintf("%s of topic %.100q: %.100q", mode, topic, reason)
}

// confirm echoes the challenge where the subscription, or its end, is wanted.
func (w WebSub) confirm(query, mode, topic string) Answer {
	challenge, ok := QueryOnce(query, "hub.challenge")
	wanted := func(glob string) bool { _, ok := MatchGlob(glob, topic); return ok }
	switch {
	case !ok || !Echoable(challenge):
		return Answer{Status: http.StatusBadRequest}
	case mode == "unsubscribe" && !w.Unsubscribe:
		return Answer{Status: http.StatusNotFound, Note: webSubNote(mode, topic, w.Setting+".unsubscribe is off")}
	case !slices.ContainsFunc(w.Topics, wanted):
		return Answer{Status: http.StatusNotFound, Note: webSubNote(mode, topic, "not in "+w.Setting+".topics")}
	}
	a := Echo(challenge)
	a.Note = webSubNote(mode, topic, "confirmed")
	return a
}

// Echo answers a handshake with a text that a stranger may have chosen: never as anything that a browser would run.
// Nothing follows it, as hubs compare the whole body.
func Echo(text string) Answer {
	return Answer{
		Status: http.StatusOK, Body: []byte(text),
		Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "X-Content-Type-Options": {"nosniff"}},
	}
}

// Echoable reports whether a challenge is printable ASCII, blanks included, and neither empty nor over [MaxChallenge].
func Echoable(s string) bool {
	strange := func(r rune) bool { return r < ' ' || r > '~' }
	return s != "" && len(s) <= MaxChallenge && strings.IndexFunc(s, strange) < 0
}

// QueryOnce is the decoded value of a parameter that is there exactly once and can be decoded. The endpoint's own parameters
// may stand before it. A value may hold semicolons, which net/url refuses: WSO2's hub escapes nothing.
func QueryOnce(query, name string) (value string, ok bool) {
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
	return value, times == 1
}
