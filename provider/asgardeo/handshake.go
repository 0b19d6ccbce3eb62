package asgardeo

import (
	"net/http"

	"github.com/forebayhq/forebay/provider"
)

// Handshake answers a hub's verification of intent (W3C WebSub, section 5.3), once for each channel that is ticked in
// the console and again whenever it is. In mode direct there is none.
func (p *Provider) Handshake(r provider.Request) (provider.Answer, bool) {
	if r.Method != http.MethodGet || p.options.Mode == Direct {
		return provider.Answer{}, false
	}
	hub := provider.WebSub{Topics: p.options.Topics, Unsubscribe: p.options.Unsubscribe, Setting: "asgardeo"}
	return hub.Answer(r.URL.RawQuery), true
}
