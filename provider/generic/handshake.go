package generic

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/forebayhq/forebay/provider"
)

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
		hub := provider.WebSub{Topics: o.WebSub.Topics, Unsubscribe: o.WebSub.Unsubscribe, Setting: "handshake.websub"}
		return hub.Answer(r.URL.RawQuery), true
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
	if err != nil || !provider.Echoable(challenge) {
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
	if err != nil || !provider.Echoable(token) {
		return refusal(http.StatusBadRequest)
	}
	return provider.Echo(token)
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

func refusal(status int) provider.Answer { return provider.Answer{Status: status} }
