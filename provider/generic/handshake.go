package generic

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// maxChallenge bounds what is echoed, in bytes.
const maxChallenge = 512

func (o HandshakeOptions) check() error {
	switch {
	case o.WebSub != nil && (len(o.WebSub.Topics) == 0 || hasEmpty(o.WebSub.Topics)):
		return errors.New("handshake: websub: topics: none, or one is empty")
	case o.CloudEvents != nil && (len(o.CloudEvents.Origins) == 0 || hasEmpty(o.CloudEvents.Origins)):
		return errors.New("handshake: cloudevents: origins: none, or one is empty")
	}
	return nil
}

// Handshake answers the configured handshakes. Nothing of them is an event.
func (p *Provider) Handshake(r provider.Request) (provider.Answer, bool) {
	o := p.options.Handshake
	switch {
	case r.Method == http.MethodGet && o.Okta != nil && len(r.Header.Values(o.Okta.header())) > 0:
		return p.okta(r, *o.Okta), true
	case r.Method == http.MethodGet && o.WebSub != nil:
		return o.WebSub.answer(r), true
	case r.Method == http.MethodPost && o.Graph != nil && r.URL.Query().Has(o.Graph.parameter()):
		return o.Graph.answer(r), true
	case r.Method == http.MethodOptions && o.CloudEvents != nil:
		return o.CloudEvents.answer(r), true
	}
	return provider.Answer{}, false
}

func (o OktaHandshake) header() string { return or(o.Header, "X-Okta-Verification-Challenge") }

func (o GraphHandshake) parameter() string { return or(o.Parameter, "validationToken") }

// okta checks who asks before anything is echoed.
func (p *Provider) okta(r provider.Request, o OktaHandshake) provider.Answer {
	switch err := p.Verify(r); {
	case provider.IsUnavailable(err):
		return refusal(http.StatusServiceUnavailable)
	case err != nil:
		return refusal(http.StatusUnauthorized)
	}
	challenge, err := provider.OneHeader(r.Header, o.header())
	if err != nil || !echoable(challenge) {
		return refusal(http.StatusBadRequest)
	}
	body, err := json.Marshal(map[string]string{or(o.Member, "verification"): challenge})
	if err != nil {
		return refusal(http.StatusBadRequest)
	}
	return provider.Answer{
		Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: body,
	}
}

// answer echoes the token of whoever asks: the check is that the subscription was made by somebody who owns this URL.
func (o GraphHandshake) answer(r provider.Request) provider.Answer {
	token, err := parameter(r.URL.RawQuery, o.parameter())
	if err != nil || !echoable(token) {
		return refusal(http.StatusBadRequest)
	}
	return echo(token)
}

// answer confirms what is wanted (W3C WebSub, section 5.3).
func (o WebSubHandshake) answer(r provider.Request) provider.Answer {
	mode, _ := parameter(r.URL.RawQuery, "hub.mode")
	topic, err := parameter(r.URL.RawQuery, "hub.topic")
	if err != nil {
		return refusal(http.StatusBadRequest)
	}
	wanted := slices.ContainsFunc(o.Topics, func(glob string) bool {
		_, ok := match(glob, topic)
		return ok
	})
	note := fmt.Sprintf("%.20q of topic %.100q, wanted: %t", mode, topic, wanted)
	switch {
	case mode == "denied":
		return provider.Answer{Status: http.StatusOK, Note: note}
	case !wanted, mode != "subscribe" && (mode != "unsubscribe" || !o.Unsubscribe):
		return provider.Answer{Status: http.StatusNotFound, Note: note}
	}
	challenge, err := parameter(r.URL.RawQuery, "hub.challenge")
	if err != nil || !echoable(challenge) {
		return refusal(http.StatusBadRequest)
	}
	a := echo(challenge)
	a.Note = note
	return a
}

// answer lets a configured origin send (CloudEvents HTTP 1.1 Web Hooks, section 4).
func (o CloudEventsHandshake) answer(r provider.Request) provider.Answer {
	origin, err := provider.OneHeader(r.Header, "WebHook-Request-Origin")
	if err != nil || !slices.Contains(o.Origins, origin) {
		return refusal(http.StatusForbidden)
	}
	return provider.Answer{Status: http.StatusOK, Header: http.Header{
		"Webhook-Allowed-Origin": {origin}, "Allow": {http.MethodPost},
	}}
}

// echo answers with a text that a stranger may have chosen: never as anything that a browser would run.
func echo(text string) provider.Answer {
	return provider.Answer{
		Status: http.StatusOK, Body: []byte(text),
		Header: http.Header{"Content-Type": {"text/plain"}, "X-Content-Type-Options": {"nosniff"}},
	}
}

func refusal(status int) provider.Answer { return provider.Answer{Status: status} }

// echoable reports whether a challenge is printable ASCII and short.
func echoable(s string) bool {
	strange := func(r rune) bool { return r < ' ' || r > '~' }
	return s != "" && len(s) <= maxChallenge && strings.IndexFunc(s, strange) < 0
}
