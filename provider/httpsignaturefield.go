package provider

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/dunglas/httpsfv"
)

const headerDigest = "Content-Digest"

// fieldValue is the value of a header field: its lines, trimmed and joined (RFC 9421, section 2.1). Folded lines are
// none here: net/http has unfolded them.
func fieldValue(h http.Header, name string) string {
	lines := h.Values(name)
	if len(lines) == 1 {
		return textproto.TrimString(lines[0])
	}
	trimmed := make([]string, len(lines))
	for i, line := range lines {
		trimmed[i] = textproto.TrimString(line)
	}
	return strings.Join(trimmed, ", ")
}

// dictionaryMember reads one member of a header that is a dictionary (RFC 8941, section 3.2).
func dictionaryMember(h http.Header, name, key string) (httpsfv.Member, error) {
	d, err := dictionary(h, name)
	if err != nil {
		return nil, err
	}
	member, ok := d.Get(key)
	if !ok {
		return nil, fmt.Errorf("header %s: no member %s", name, key)
	}
	return member, nil
}

func dictionary(h http.Header, name string) (*httpsfv.Dictionary, error) {
	value := fieldValue(h, name)
	if value == "" {
		return nil, fmt.Errorf("header %s: missing", name)
	}
	d, err := httpsfv.UnmarshalDictionary([]string{value})
	if err != nil { // its text is left out: no part of a request gets into an error
		return nil, fmt.Errorf("header %s: not a dictionary", name)
	}
	return d, nil
}

func byteSequence(m httpsfv.Member) ([]byte, bool) {
	item, ok := m.(httpsfv.Item)
	if !ok {
		return nil, false
	}
	sequence, ok := item.Value.([]byte)
	return sequence, ok
}

// checkDigest compares Content-Digest with the body as it came. Every digest that RFC 9530 calls secure must fit, and
// one must be there; others are ignored.
func checkDigest(h http.Header, body []byte) error {
	d, err := dictionary(h, headerDigest)
	if err != nil {
		return err
	}
	secure := 0
	for _, name := range []string{"sha-256", "sha-512"} {
		member, ok := d.Get(name)
		if !ok {
			continue
		}
		secure++
		want, ok := byteSequence(member)
		if !ok || subtle.ConstantTimeCompare(want, digest(name, body)) != 1 {
			return fmt.Errorf("header %s: %s does not fit the body", headerDigest, name)
		}
	}
	if secure == 0 {
		return fmt.Errorf("header %s: neither sha-256 nor sha-512", headerDigest)
	}
	return nil
}

// digest is the digest of body under its name in RFC 9530: sha-256 or sha-512.
func digest(name string, body []byte) []byte {
	if name == "sha-512" {
		sum := sha512.Sum512(body)
		return sum[:]
	}
	sum := sha256.Sum256(body)
	return sum[:]
}

func setDictionary(h http.Header, name, key string, m httpsfv.Member) error {
	text, err := dictionaryOf(key, m)
	if err != nil {
		return fmt.Errorf("header %s: %w", name, err)
	}
	h.Set(name, text)
	return nil
}

// dictionaryOf writes a dictionary of one member.
func dictionaryOf(key string, m httpsfv.Member) (string, error) {
	d := httpsfv.NewDictionary()
	d.Add(key, m)
	return httpsfv.Marshal(d)
}
