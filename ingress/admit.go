package ingress

import (
	"errors"
	"net/http"
	"slices"
	"strings"
)

// admit decides by the head of a request alone, before a byte of its body is read.
func (d *delivery) admit() (outcome, error) {
	switch r := d.http; {
	case !d.carries(r.Method):
		return badMethod, errors.New("method is not one that carries deliveries")
	case d.in.draining.Load():
		return drained, errors.New("draining")
	case r.ContentLength > d.limits.Body:
		return tooLarge, errTooLarge
	case !d.reads(r.Header):
		return badType, errors.New("content type or encoding is not one that the provider sends")
	case d.in.crowded(d.limits.Concurrent) && d.in.strangers.spent(d.stranger(), d.received):
		return limited, errors.New("too many failed deliveries from this address")
	}
	return accepted, nil
}

// turnAway is the answer to a delivery that its head rules out. A provider may ask for more before the content type.
func (d *delivery) turnAway(o outcome, err error) (answer, error) {
	if o == badType && d.headVerifier != nil {
		if err := d.verifyHead(); err != nil {
			return d.unverified(err)
		}
	}
	return d.refuse(o, err)
}

func (d *delivery) verifyHead() (err error) {
	defer recovered(&err)
	return d.headVerifier.VerifyHead(d.request)
}

// carries reports whether deliveries come by this method. GET and HEAD may be declared, for a handshake, and never
// carry one.
func (s *source) carries(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && slices.Contains(s.methods, method)
}

// reads reports whether a body with these headers is one that the provider sends: one content type, with any
// parameters, and no content encoding.
func (s *source) reads(h http.Header) bool {
	for _, e := range h["Content-Encoding"] {
		if e != "" && !strings.EqualFold(e, "identity") {
			return false
		}
	}
	values := h["Content-Type"]
	if len(values) != 1 {
		return false
	}
	media, _, _ := strings.Cut(values[0], ";")
	media = strings.TrimSpace(media)
	return slices.ContainsFunc(s.types, func(t string) bool { return strings.EqualFold(t, media) })
}
