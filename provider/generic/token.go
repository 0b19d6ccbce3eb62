package generic

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
)

// maxFuture is how far ahead of our clock iat may be, leeway aside.
const maxFuture = 5 * time.Minute

// maxBeside is how many values a body may have whose token stands in a member: strangers decide what stands beside it.
const maxBeside = 10000

// A tokenPlace is where a token stands that is the delivery itself.
type tokenPlace struct {
	member pointer // nil: the whole body
	claims pointer // which part of the claims is the payload
	same   string  // both, to compare
}

func (p *tokenPlace) equal(other *tokenPlace) bool {
	return p == other || p != nil && other != nil && p.same == other.same
}

// token gives the token of a delivery. White space around a body that is one is dropped.
func (p *tokenPlace) token(body []byte) (string, error) {
	if p.member == nil {
		return strings.Trim(string(body), " \t\r\n"), nil
	}
	v, err := provider.ParseBounded(body, maxBeside)
	if err != nil {
		return "", err
	}
	token := p.member.get(v)
	if token.Kind() != provider.KindText {
		return "", errors.New("token: missing")
	}
	return token.Text(), nil
}

// A jwtCheck is a signed token.
type jwtCheck struct {
	o      JWTOptions
	place  *tokenPlace // nil: in a header
	keys   []*provider.Key
	set    *provider.JWKS
	digest codec
	now    func() time.Time
}

func (b *builder) jwt(o JWTOptions) (check, error) {
	o.Header, o.Expiry = or(o.Header, "Authorization"), or(o.Expiry, "enforce")
	c := jwtCheck{o: o, now: b.now}
	if err := c.check(); err != nil {
		return check{}, err
	}
	var err error
	if c.place, err = o.place(); err != nil {
		return check{}, err
	}
	if o.BodyHash.Claim != "" {
		if c.digest, err = newCodec(o.BodyHash.Encoding); err != nil {
			return check{}, fmt.Errorf("body_hash: %w", err)
		}
	}
	if err := b.tokenKeys(&c); err != nil {
		return check{}, err
	}
	cannot := func(*provider.Request) error { return errors.New("sign: a token can only be signed by its issuer") }
	return check{verify: c.verify, sign: cannot, proves: true, token: c.place}, nil
}

func (c *jwtCheck) check() error {
	switch o := c.o; {
	case len(o.Algorithms) == 0:
		return errors.New("algorithms: none: RS256")
	case o.In == "header" && o.BodyHash.Claim == "":
		return errors.New("body_hash: missing: a token in a header says nothing about the body without it")
	case o.In == "header" && o.Claims != "":
		return errors.New("claims: the payload is the body where the token is in a header")
	case o.In != "header" && o.BodyHash.Claim != "":
		return errors.New("body_hash: only for a token in a header")
	case (o.In == "member") != (o.Member != ""):
		return errors.New("member: only, and always, for in: member")
	case !slices.Contains([]string{"require", "enforce", "forbid", "ignore"}, o.Expiry):
		return errors.New("exp: not require, enforce, forbid or ignore")
	}
	return nil
}

func (o JWTOptions) place() (*tokenPlace, error) {
	place := tokenPlace{same: o.Member + " " + o.Claims}
	var err error
	switch o.In {
	case "header":
		return nil, nil
	case "member":
		if place.member, err = parsePointer(o.Member); err != nil {
			return nil, fmt.Errorf("member: %w", err)
		}
	case "body":
	default:
		return nil, errors.New("in: not header, body or member")
	}
	if place.claims, err = parsePointer(o.Claims); err != nil {
		return nil, fmt.Errorf("claims: %w", err)
	}
	return &place, nil
}

// tokenKeys takes the keys from one place: shared secrets only with HS256 and its like, and these with nothing else.
func (b *builder) tokenKeys(c *jwtCheck) error {
	o := c.o
	shared := 0
	for _, alg := range o.Algorithms {
		switch {
		case slices.Contains([]string{"HS256", "HS384", "HS512"}, alg):
			shared++
		case !slices.Contains(provider.AsymmetricAlgorithms(), alg):
			return fmt.Errorf("algorithms: %q is not known", alg)
		}
	}
	public := o.JWKSURL != "" || o.JWKSFile != ""
	switch {
	case shared > 0 && (shared < len(o.Algorithms) || public):
		return errors.New("algorithms: HS256 and its like only with a shared secret, and then alone")
	case shared == 0 && o.Secrets != nil:
		return errors.New("secrets: only for HS256 and its like; public keys come from jwks_url or jwks_file")
	case shared > 0:
		secrets, err := b.keys(o.Secrets, o.KeyEncoding, "")
		if err != nil {
			return err
		}
		c.keys, err = provider.Config{Secrets: secrets}.HMACKeys()
		return err
	}
	return c.keySet()
}

func (c *jwtCheck) keySet() error {
	config := provider.JWKSConfig{URL: c.o.JWKSURL, InsecureHTTP: c.o.InsecureHTTP, Now: c.now}
	if c.o.JWKSFile != "" {
		text, err := os.ReadFile(string(c.o.JWKSFile))
		if err != nil {
			return fmt.Errorf("jwks_file: %w", err)
		}
		config.Text = text
	}
	set, err := provider.NewJWKS(config)
	c.set = set
	return err
}

func (c *jwtCheck) verify(r provider.Request) error {
	text, err := c.text(r)
	if err != nil {
		return err
	}
	token, err := provider.ParseToken(text)
	if err != nil {
		return err
	}
	if c.set != nil {
		err = c.set.Verify(token, c.o.Algorithms)
	} else {
		err = token.VerifyHMAC(c.o.Algorithms, c.keys)
	}
	if err != nil {
		return err
	}
	if c.o.Type != "" && mediaType(token.Type) != mediaType(c.o.Type) {
		return errors.New("token: typ: not the configured one")
	}
	claims, err := provider.ParseObject(token.Payload)
	if err != nil {
		return fmt.Errorf("token: claims: %w", err)
	}
	return c.checkClaims(claims, r.Body)
}

// mediaType is typ as it is compared: without application/, in lower case (RFC 7515, section 4.1.9).
func mediaType(typ string) string { return strings.TrimPrefix(strings.ToLower(typ), "application/") }

func (c *jwtCheck) text(r provider.Request) (string, error) {
	if c.place != nil {
		return c.place.token(r.Body)
	}
	return afterScheme(r.Header, c.o.Header, c.o.Scheme)
}

// afterScheme is the value of a header after its scheme, whose case does not matter (RFC 9110, section 11.1).
func afterScheme(h http.Header, name, scheme string) (string, error) {
	value, err := provider.OneHeader(h, name)
	if err != nil || scheme == "" {
		return value, err
	}
	first, rest, _ := strings.Cut(value, " ")
	if !strings.EqualFold(first, scheme) {
		return "", fmt.Errorf("header %s: another scheme", name)
	}
	return strings.TrimLeft(rest, " "), nil
}

func (c *jwtCheck) checkClaims(claims provider.Value, body []byte) error {
	if c.o.Issuer != "" && claims.Get("iss").Text() != c.o.Issuer {
		return errors.New("token: iss: not the configured one")
	}
	if len(c.o.Audience) > 0 && !c.meant(claims.Get("aud")) {
		return errors.New("token: aud: not one of the configured ones")
	}
	if err := c.checkTimes(claims); err != nil {
		return fmt.Errorf("token: %w", err)
	}
	if c.o.BodyHash.Claim == "" {
		return nil
	}
	want := sha256.Sum256(body)
	got, err := c.digest.decode(claims.Get(c.o.BodyHash.Claim).Text())
	if err != nil || subtle.ConstantTimeCompare(got, want[:]) != 1 {
		return fmt.Errorf("token: %s: not the hash of the body", c.o.BodyHash.Claim)
	}
	return nil
}

// meant reports whether aud, a text or an array, names one of ours.
func (c *jwtCheck) meant(aud provider.Value) bool {
	if aud.Kind() == provider.KindText {
		return slices.Contains(c.o.Audience, aud.Text())
	}
	for one := range aud.Children() {
		if one.Kind() == provider.KindText && aud.Kind() == provider.KindArray && slices.Contains(c.o.Audience, one.Text()) {
			return true
		}
	}
	return false
}

// checkTimes checks exp, nbf and iat (RFC 7519, section 4.1), in seconds.
func (c *jwtCheck) checkTimes(claims provider.Value) error {
	now, leeway := float64(c.now().Unix()), c.o.Leeway.Seconds()
	exp, hasExp, err := seconds(claims, "exp")
	switch {
	case c.o.Expiry == "ignore":
	case err != nil:
		return err
	case hasExp && c.o.Expiry == "forbid":
		return errors.New("exp: there, and forbidden")
	case !hasExp && c.o.Expiry == "require":
		return errors.New("exp: missing")
	case hasExp && now >= exp+leeway:
		return errors.New("exp: past")
	}
	nbf, hasNbf, err := seconds(claims, "nbf")
	if err != nil || hasNbf && now < nbf-leeway {
		return errors.New("nbf: not yet, or no number")
	}
	iat, hasIat, err := seconds(claims, "iat")
	switch {
	case err != nil:
		return err
	case hasIat && iat > now+leeway+maxFuture.Seconds():
		return errors.New("iat: in the future")
	case c.o.MaxAge > 0 && (!hasIat || now > iat+leeway+c.o.MaxAge.Seconds()):
		return errors.New("iat: missing, or older than max_age")
	}
	return nil
}

// seconds reads a claim that is a NumericDate.
func seconds(claims provider.Value, name string) (n float64, there bool, err error) {
	v := claims.Get(name)
	switch v.Kind() {
	case provider.KindAbsent:
		return 0, false, nil
	case provider.KindNumber:
		if n, err = strconv.ParseFloat(string(v.Raw()), 64); err == nil {
			return n, true, nil
		}
	}
	return 0, true, fmt.Errorf("%s: not a number", name)
}
