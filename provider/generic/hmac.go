package generic

import (
	"crypto/hmac"
	"errors"
	"fmt"
	"hash"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// maxSignatures bounds how many signatures of one header are tried: strangers decide how many there are.
const maxSignatures = 8

// An hmacCheck is an HMAC over a template, in a header.
type hmacCheck struct {
	o       HMACOptions
	keys    []string
	hash    func() hash.Hash
	codec   codec
	content template
	clock   clock // of {t}
}

func (b *builder) hmac(o HMACOptions) (check, error) {
	o.Form, o.Hash = or(o.Form, "plain"), or(o.Hash, "sha256")
	o.Prefix, o.TimeKey, o.SignatureKey = or(o.Prefix, o.Hash+"="), or(o.TimeKey, "t"), or(o.SignatureKey, "v1")
	c := hmacCheck{o: o, hash: provider.HMACHash(o.Hash)}
	var err error
	if c.codec, err = newCodec(or(o.Encoding, "hex")); err != nil {
		return check{}, err
	}
	if c.content, err = parseTemplate(or(o.Signed, "{body}")); err != nil {
		return check{}, fmt.Errorf("signed: %w", err)
	}
	if err = c.check(); err != nil {
		return check{}, err
	}
	if c.content.has("t") {
		if c.clock, err = newClock(o, b.now); err != nil {
			return check{}, err
		}
	}
	if c.keys, err = b.keys(o.Secrets, o.KeyEncoding, o.KeyPrefix); err != nil {
		return check{}, err
	}
	return check{verify: c.verify, sign: c.sign, proves: true}, nil
}

func (c *hmacCheck) check() error {
	timed := c.content.has("t")
	switch o := c.o; {
	case c.hash == nil:
		return errors.New("hash: not sha256, sha384, sha512 or sha1")
	case len(o.Headers) == 0 || hasEmpty(o.Headers):
		return errors.New("headers: none, or one is empty")
	case o.Form != "plain" && o.Form != "prefixed" && o.Form != "kv":
		return errors.New("form: not plain, prefixed or kv")
	case o.TimeKey == o.SignatureKey:
		return errors.New("signature_key: the same as time_key")
	case timed && o.Form != "kv" && o.TimeHeader == "":
		return errors.New("signed: {t} without a place: want form kv or time_header")
	case !timed && (o.TimeHeader != "" || o.TimeUnit != "" || o.Tolerance != 0):
		return errors.New("signed: without {t} the time is not signed, so it cannot be checked")
	}
	return nil
}

func hasEmpty(texts []string) bool {
	for _, s := range texts {
		if s == "" {
			return true
		}
	}
	return false
}

func (c *hmacCheck) verify(r provider.Request) error {
	value, err := provider.OneHeader(r.Header, c.headerOf(r.Header))
	if err != nil {
		return err
	}
	time, signatures, err := c.read(value)
	if err != nil {
		return err
	}
	if c.o.TimeHeader != "" {
		if time, err = provider.OneHeader(r.Header, c.o.TimeHeader); err != nil {
			return err
		}
	}
	if c.content.has("t") {
		if err := c.clock.check(time); err != nil {
			return err
		}
	}
	content, err := c.content.render(r.Header, r.Body, time)
	if err != nil {
		return err
	}
	if !c.fits(content, signatures) {
		return errors.New("signature: does not fit")
	}
	return nil
}

// headerOf chooses the first header that is there.
func (c *hmacCheck) headerOf(h http.Header) string {
	for _, name := range c.o.Headers {
		if len(h.Values(name)) > 0 {
			return name
		}
	}
	return c.o.Headers[0]
}

// read gives the time, in form kv, and the signatures of a header.
func (c *hmacCheck) read(value string) (time string, signatures [][]byte, err error) {
	if c.o.Form == "kv" {
		return c.readPairs(value)
	}
	if c.o.Form == "prefixed" {
		var ok bool
		if value, ok = strings.CutPrefix(value, c.o.Prefix); !ok {
			return "", nil, errors.New("signature: without its prefix")
		}
	}
	signature, err := c.codec.decode(value)
	if err != nil || len(signature) != c.hash().Size() { // the text of err would repeat what the request says
		return "", nil, errors.New("signature: not one of its encoding and length")
	}
	return "", [][]byte{signature}, nil
}

// readPairs reads t=…,v1=…, with a blank after a comma or without. Names that are not known are passed over, and so are
// signatures that cannot be one: during a rotation a bad one before a good one is normal.
func (c *hmacCheck) readPairs(value string) (time string, signatures [][]byte, err error) {
	for pair := range strings.SplitSeq(value, ",") {
		key, text, _ := strings.Cut(strings.TrimSpace(pair), "=")
		switch key {
		case c.o.TimeKey:
			if time != "" {
				return "", nil, errors.New("signature: two times")
			}
			time = text
		case c.o.SignatureKey:
			signature, err := c.codec.decode(text)
			if err == nil && len(signature) == c.hash().Size() && len(signatures) < maxSignatures {
				signatures = append(signatures, signature)
			}
		}
	}
	if len(signatures) == 0 {
		return "", nil, errors.New("signature: none in the header")
	}
	return time, signatures, nil
}

// fits makes one MAC for each key, however many signatures there are.
func (c *hmacCheck) fits(content []byte, signatures [][]byte) bool {
	for _, key := range c.keys {
		sum := c.sum(key, content)
		for _, signature := range signatures {
			if hmac.Equal(sum, signature) {
				return true
			}
		}
	}
	return false
}

func (c *hmacCheck) sum(key string, content []byte) []byte {
	h := hmac.New(c.hash, []byte(key))
	h.Write(content)
	return h.Sum(nil)
}

// sign signs with the first key, now. Headers that are signed and not there are made up.
func (c *hmacCheck) sign(r *provider.Request) error {
	h, time := header(r), ""
	if c.content.has("t") {
		time = c.clock.write()
	}
	if c.o.TimeHeader != "" {
		h.Set(c.o.TimeHeader, time)
	}
	for _, p := range c.content {
		if name, ok := strings.CutPrefix(p.name, "header:"); ok && h.Get(name) == "" {
			h.Set(name, provider.RandomHex(16))
		}
	}
	content, err := c.content.render(h, r.Body, time)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signature := c.codec.encode(c.sum(c.keys[0], content))
	switch c.o.Form {
	case "prefixed":
		signature = c.o.Prefix + signature
	case "kv":
		signature = c.o.SignatureKey + "=" + signature
		if time != "" && c.o.TimeHeader == "" {
			signature = c.o.TimeKey + "=" + time + "," + signature
		}
	}
	h.Set(c.o.Headers[0], signature)
	return nil
}
