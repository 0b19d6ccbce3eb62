package asgardeo

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/forebayhq/forebay/provider"
)

const (
	hubHeader    = "X-Hub-Signature"        // W3C WebSub, section 8
	directHeader = "X-Wso2-Event-Signature" // wso2-extensions/identity-event-publishers HTTPEventPublisherImpl.java
)

// Verify checks the signature header of the source's mode against the raw body, and where the direct publisher sent
// text outside ASCII, against the text that it meant.
func (p *Provider) Verify(r provider.Request) error {
	mac, err := p.readSignature(r.Header)
	if err != nil {
		return err
	}
	if provider.FindMAC(p.keys, r.Body, mac) != nil {
		return nil
	}
	if p.isLatin1(r) && provider.FindMAC(p.keys, transcode(r.Body), mac) != nil {
		return nil
	}
	return errors.New("signature: does not fit")
}

// Sign puts the HMAC-SHA-256 of the body, under the first secret, into the header of the source's mode; auto: the hub's.
func (p *Provider) Sign(r *provider.Request) error {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	mac, name := p.keys[0].Sum(r.Body), hubHeader
	if p.options.Mode == Direct {
		name = directHeader
	}
	r.Header.Set(name, "sha256="+hex.EncodeToString(mac[:]))
	return nil
}

// direct reports whether a request came from a direct publisher.
func (p *Provider) direct(h http.Header) bool {
	return p.options.Mode == Direct || p.options.Mode == Auto && len(h[directHeader]) > 0
}

// readSignature reads "<hash>=<hex digits>" from the one header that tells. Its errors never repeat what it says.
func (p *Provider) readSignature(h http.Header) (provider.MAC, error) {
	name := hubHeader
	if p.direct(h) {
		name = directHeader
	}
	if p.options.Mode == Auto && len(h[hubHeader]) > 0 && len(h[directHeader]) > 0 {
		return provider.MAC{}, fmt.Errorf("headers %s, %s: both are there", hubHeader, directHeader)
	}
	value, err := provider.OneHeader(h, name)
	if err != nil {
		return provider.MAC{}, err
	}
	hash, digits, ok := strings.Cut(value, "=")
	if !ok || !p.allows(hash, name) {
		return provider.MAC{}, fmt.Errorf("header %s: not made with a hash that this source accepts", name)
	}
	mac, err := provider.HexMAC(hash, digits)
	if err != nil {
		return provider.MAC{}, fmt.Errorf("header %s: %w", name, err)
	}
	return mac, nil
}

// allows reports whether signatures in a header may be made with a hash.
func (p *Provider) allows(hash, header string) bool {
	switch hash {
	case "sha256":
		return true
	case "sha384", "sha512":
		return header == hubHeader
	case "sha1":
		return header == hubHeader && p.options.SHA1
	}
	return false
}

// text is the body as its signer meant it: as it came where that is what the MAC fits.
func (p *Provider) text(r provider.Request) []byte {
	if !p.isLatin1(r) {
		return r.Body
	}
	if mac, err := p.readSignature(r.Header); err == nil && provider.FindMAC(p.keys, r.Body, mac) != nil {
		return r.Body
	}
	return transcode(r.Body)
}

// isLatin1 reports whether a body may be ISO-8859-1: the direct publisher computes the HMAC over UTF-8 and then sends
// that. (What lies beyond U+00FF arrives as "?", and nothing can verify it.)
func (p *Provider) isLatin1(r provider.Request) bool {
	return p.direct(r.Header) && !utf8.Valid(r.Body)
}

// transcode reads ISO-8859-1.
func transcode(body []byte) []byte {
	text := make([]byte, 0, len(body)+len(body)/8)
	for _, b := range body {
		text = utf8.AppendRune(text, rune(b))
	}
	return text
}
