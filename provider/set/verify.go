package set

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// Verify checks the transmitter's Authorization where one is configured, the signature of the token under a configured
// key, and whether the token is a security event token, from our issuer and for us. Each refusal carries its code. An
// error marked by provider.Unavailable: the key set cannot be fetched.
func (p *Provider) Verify(r provider.Request) error {
	if err := p.VerifyHead(r); err != nil {
		return err
	}
	token, err := provider.ParseToken(compact(r.Body))
	if err != nil {
		return refuse(invalidRequest, err)
	}
	if err := p.checkSignature(token); err != nil {
		return refuse(invalidKey, err)
	}
	if err := p.checkType(token.Type); err != nil {
		return refuse(invalidRequest, err)
	}
	claims, err := parseClaims(token)
	if err != nil {
		return refuse(invalidRequest, err)
	}
	return p.checkClaims(claims)
}

// VerifyHead checks the transmitter's Authorization where one is configured: before the content type.
func (p *Provider) VerifyHead(r provider.Request) error {
	return refuse(authenticationFailed, p.checkAuthorization(r.Header))
}

// compact is the token without the white space around it.
func compact(body []byte) string { return strings.Trim(string(body), " \t\r\n") }

// checkAuthorization compares in constant time.
func (p *Provider) checkAuthorization(h http.Header) error {
	want := p.options.Authorization
	if want == "" {
		return nil
	}
	got, err := provider.OneHeader(h, "Authorization")
	if err == nil && !provider.FindSecret([]string{want}, got) {
		err = errors.New("header Authorization: not the configured value")
	}
	return err
}

func (p *Provider) checkSignature(t provider.Token) error {
	if p.set == nil {
		return t.VerifyHMAC(p.options.Algorithms, p.keys)
	}
	return p.set.Verify(t, p.options.Algorithms)
}

// checkType keeps the other tokens of an issuer out: ID tokens, access tokens (RFC 8417, section 2.3).
func (p *Provider) checkType(typ string) error {
	switch {
	case typ == "" && p.options.Type == optional:
		return nil
	case !strings.EqualFold(typ, mediaType) && !strings.EqualFold(typ, "secevent+jwt"):
		return errors.New("token: typ: not secevent+jwt")
	}
	return nil
}

// A claimSet is the claims of a token that have what makes them an event.
type claimSet struct {
	provider.Value
	id     string           // jti
	events []provider.Value // each an object, in the order of the token
}

func parseClaims(t provider.Token) (provider.Value, error) {
	claims, err := provider.ParseObject(t.Payload)
	if err != nil {
		return claims, fmt.Errorf("claims: %w", err)
	}
	return claims, nil
}

// readClaims reads what every event needs of its claims. Of a repeated name the last one counts.
func readClaims(claims provider.Value) (claimSet, error) {
	c := claimSet{Value: claims, id: claims.Get("jti").Text(), events: claims.Get("events").Members()}
	switch {
	case c.id == "":
		return c, errors.New("claims: jti: not a non-empty text")
	case claims.Get("iat").Kind() != provider.KindNumber:
		return c, errors.New("claims: iat: not a number")
	case len(c.events) == 0:
		return c, errors.New("claims: events: not an object with a member")
	}
	for _, e := range c.events {
		if e.Kind() != provider.KindObject {
			return c, errors.New("claims: events: a member is no object")
		}
	}
	return c, nil
}

// checkClaims asks first who sent the token and to whom: what is not for us is not looked into.
func (p *Provider) checkClaims(c provider.Value) error {
	if c.Get("iss").Text() != p.options.Issuer {
		return refuse(invalidIssuer, errors.New("claims: iss: not the issuer of this source"))
	}
	if !p.meant(c.Get("aud")) {
		return refuse(invalidAudience, errors.New("claims: aud: not an audience of this source"))
	}
	if err := p.checkExpiry(c.Get("exp")); err != nil {
		return refuse(invalidRequest, err)
	}
	if _, err := readClaims(c); err != nil {
		return refuse(invalidRequest, err)
	}
	return refuse(invalidRequest, p.checkIssued(c.Get("iat")))
}

// meant reports whether aud, a text or an array of texts, names one of ours.
func (p *Provider) meant(aud provider.Value) bool {
	if aud.Kind() == provider.KindAbsent {
		return p.options.Aud == optional
	}
	ours := func(v provider.Value) bool {
		return v.Kind() == provider.KindText && slices.Contains(p.options.Audience, v.Text())
	}
	return ours(aud) || slices.ContainsFunc(aud.Elements(), ours)
}

func (p *Provider) checkExpiry(exp provider.Value) error {
	there := exp.Kind() != provider.KindAbsent
	switch {
	case !there || p.options.Expiry == ignore:
		return nil
	case p.options.Expiry == forbid:
		return errors.New("claims: exp: there, and forbidden")
	}
	if at, err := seconds(exp); err != nil || at <= float64(p.now().Unix()) {
		return errors.New("claims: exp: past, or not a number")
	}
	return nil
}

// checkIssued compares whole seconds.
func (p *Provider) checkIssued(iat provider.Value) error {
	at, err := seconds(iat)
	at, now := math.Floor(at), float64(p.now().Unix())
	switch {
	case err != nil:
		return errors.New("claims: iat: not a number")
	case at > now+p.options.MaxFuture.Seconds():
		return errors.New("claims: iat: in the future")
	case p.options.MaxAge > 0 && at < now-p.options.MaxAge.Seconds():
		return errors.New("claims: iat: older than max_age")
	}
	return nil
}

// seconds reads seconds since 1970; a number above 10¹¹ counts milliseconds.
func seconds(v provider.Value) (float64, error) {
	if v.Kind() != provider.KindNumber {
		return 0, errors.New("not a number")
	}
	n, err := strconv.ParseFloat(string(v.Raw()), 64)
	if n > 1e11 {
		n /= 1000
	}
	return n, err
}
