package provider

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/dunglas/httpsfv"
)

const (
	headerInput     = "Signature-Input"
	headerSignature = "Signature"
	algHMACSHA256   = "hmac-sha256"
)

// HTTPSignatureConfig says what a message signature must be like, and what it must cover.
type HTTPSignatureConfig struct {
	Keys  []*Key // all are tried, in order; the first one signs
	Label string // the member of both headers that counts: "sig"
	// Components must be covered: content-digest always, @method, @target-uri, @authority, @path, @query, and header
	// fields in lower case. A signature over less proves less.
	Components []string
	Exact      bool // Components in this order, and no others
	RequireAlg bool // alg, which must be hmac-sha256 where it is there, must be there

	Tolerance      time.Duration // how far created may be from now, on both sides; 0: any time
	RequireCreated bool          // created must be there
	KeyID          string        // what keyid must be; empty: anything, or nothing

	// PublicURL is what the sender calls, up to the path of the source: scheme, host, and the path that a proxy strips.
	// The URL that was signed is built from it: the request that comes out of a proxy no longer tells.
	PublicURL *url.URL
	Now       func() time.Time // nil: time.Now
}

// An HTTPSignature verifies and makes HTTP message signatures (RFC 9421) with hmac-sha256, which cover the body by its
// Content-Digest (RFC 9530).
type HTTPSignature struct {
	want                      HTTPSignatureConfig
	scheme, authority, prefix string // of PublicURL, as senders sign them
}

// NewHTTPSignature refuses a configuration that could not verify, or that would leave the body unsigned.
func NewHTTPSignature(c HTTPSignatureConfig) (*HTTPSignature, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	u := c.PublicURL
	prefix := strings.TrimRight(WrittenPath(u), "/")
	return &HTTPSignature{want: c, scheme: u.Scheme, authority: authority(u), prefix: prefix}, nil
}

func (c *HTTPSignatureConfig) check() error {
	switch u := c.PublicURL; {
	case u == nil:
		return errors.New("public_url: missing, and the URL is signed")
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		return errors.New("public_url: not an absolute http or https URL")
	case len(c.Keys) == 0:
		return errors.New("keys: none")
	case c.Tolerance < 0:
		return errors.New("tolerance: negative")
	case !slices.Contains(c.Components, "content-digest"):
		return errors.New("components: without content-digest the body is not signed")
	}
	for _, name := range c.Components {
		if strings.HasPrefix(name, "@") && !derived(name) {
			return fmt.Errorf("components: %s is not supported", name)
		}
	}
	if _, err := components(innerList(c.Components)); err != nil {
		return err
	}
	if _, err := dictionaryOf(c.Label, httpsfv.NewItem(true)); err != nil {
		return errors.New("label: not one in lower case")
	}
	return nil
}

// Verify checks the signature of r: its form, what it covers, its parameters, the MAC, and that the body has the digest
// that was signed.
func (s *HTTPSignature) Verify(r Request) error {
	input, mac, err := s.read(r.Header)
	if err != nil {
		return err
	}
	if err := s.checkCovered(input); err != nil {
		return fmt.Errorf("header %s: %w", headerInput, err)
	}
	if err := s.checkParams(input.Params); err != nil {
		return fmt.Errorf("header %s: %w", headerInput, err)
	}
	base, err := s.base(r, input)
	if err != nil {
		return err
	}
	if FindKey(s.want.Keys, base, mac) == nil {
		return errors.New("signature: does not fit")
	}
	return checkDigest(r.Header, r.Body)
}

// Sign gives r a Content-Digest and, under the first key, a signature over Components with created, alg and, where one
// is configured, keyid.
func (s *HTTPSignature) Sign(r *Request) error {
	if r.Header == nil {
		r.Header = http.Header{}
	}
	if err := setDictionary(r.Header, headerDigest, "sha-256", httpsfv.NewItem(digest("sha-256", r.Body))); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	input := innerList(s.want.Components)
	input.Params.Add("created", s.want.Now().Unix())
	if s.want.KeyID != "" {
		input.Params.Add("keyid", s.want.KeyID)
	}
	input.Params.Add("alg", algHMACSHA256)
	base, err := s.base(*r, input)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	mac := s.want.Keys[0].Sum(base)
	if err := setDictionary(r.Header, headerInput, s.want.Label, input); err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	return setDictionary(r.Header, headerSignature, s.want.Label, httpsfv.NewItem(mac[:]))
}

// innerList makes the value of Signature-Input for components, without parameters yet.
func innerList(components []string) httpsfv.InnerList {
	list := httpsfv.InnerList{Params: httpsfv.NewParams()}
	for _, name := range components {
		list.Items = append(list.Items, httpsfv.NewItem(name))
	}
	return list
}

// read gives the member of our label in both headers: what is signed, and the MAC. Other labels are ignored.
func (s *HTTPSignature) read(h http.Header) (input httpsfv.InnerList, mac [sha256.Size]byte, err error) {
	if fieldValue(h, headerDigest) == "" {
		return input, mac, fmt.Errorf("header %s: missing", headerDigest)
	}
	member, err := dictionaryMember(h, headerInput, s.want.Label)
	if err != nil {
		return input, mac, err
	}
	input, ok := member.(httpsfv.InnerList)
	if !ok {
		return input, mac, fmt.Errorf("header %s: not a list of components", headerInput)
	}
	if member, err = dictionaryMember(h, headerSignature, s.want.Label); err != nil {
		return input, mac, err
	}
	sequence, ok := byteSequence(member)
	if !ok || len(sequence) != len(mac) {
		return input, mac, fmt.Errorf("header %s: not a sequence of %d bytes", headerSignature, len(mac))
	}
	// Decoders pass over stray bits in the last digit: one signature would have several spellings.
	spelling := ":" + base64.StdEncoding.EncodeToString(sequence) + ":"
	if !strings.Contains(fieldValue(h, headerSignature), spelling) {
		return input, mac, fmt.Errorf("header %s: base64 with stray bits", headerSignature)
	}
	return input, [sha256.Size]byte(sequence), nil
}

// checkCovered compares what is signed with what must be.
func (s *HTTPSignature) checkCovered(input httpsfv.InnerList) error {
	covered, err := components(input)
	if err != nil {
		return err
	}
	if s.want.Exact && !slices.Equal(covered, s.want.Components) {
		return fmt.Errorf("components: not exactly %s", strings.Join(s.want.Components, ", "))
	}
	for _, name := range s.want.Components {
		if !slices.Contains(covered, name) {
			return fmt.Errorf("components: %s is not covered", name)
		}
	}
	return nil
}

// checkParams checks the parameters of a signature. nonce and tag are free.
func (s *HTTPSignature) checkParams(p *httpsfv.Params) error {
	if alg, ok := p.Get("alg"); (ok || s.want.RequireAlg) && alg != algHMACSHA256 {
		return errors.New("alg: not " + algHMACSHA256)
	}
	if id, _ := p.Get("keyid"); s.want.KeyID != "" && id != s.want.KeyID {
		return errors.New("keyid: not the configured one")
	}
	now := s.want.Now().Truncate(time.Second)
	created, ok, err := unixParam(p, "created")
	switch {
	case err != nil:
		return err
	case !ok && s.want.RequireCreated:
		return errors.New("created: missing")
	case ok && s.want.Tolerance > 0 && (now.Sub(created) > s.want.Tolerance || created.Sub(now) > s.want.Tolerance):
		return errors.New("created: out of tolerance")
	}
	expires, ok, err := unixParam(p, "expires")
	if err == nil && ok && now.After(expires) {
		err = errors.New("expires: past")
	}
	return err
}

// unixParam reads a parameter that is in Unix seconds, if it is there.
func unixParam(p *httpsfv.Params, name string) (t time.Time, ok bool, err error) {
	v, ok := p.Get(name)
	if !ok {
		return t, false, nil
	}
	seconds, ok := v.(int64)
	if !ok {
		return t, false, fmt.Errorf("%s: not an integer", name)
	}
	return time.Unix(seconds, 0), true, nil
}
