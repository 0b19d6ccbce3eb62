package generic

import (
	"bytes"
	"errors"
	"net/url"
	"slices"
	"strings"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// conceal takes the secret out of a request, wherever its place is.
func (c *credentialCheck) conceal(r provider.Request) provider.Request {
	switch c.o.In {
	case "member":
		r.Body = c.blank(r.Body)
	case "query":
		u := *r.URL
		u.RawQuery = withoutParameter(u.RawQuery, c.o.Name)
		r.URL = &u
	default:
		r.Header = r.Header.Clone()
		r.Header.Del(c.o.Name)
	}
	return r
}

// withoutParameter is a query without a parameter. All else stays as it is written.
func withoutParameter(query, name string) string {
	pairs := slices.DeleteFunc(strings.Split(query, "&"), func(pair string) bool {
		key, _, _ := strings.Cut(pair, "=")
		key, err := url.QueryUnescape(key)
		return err == nil && key == name
	})
	return strings.Join(pairs, "&")
}

// blank empties every text of a body that is one of the secrets, in whatever spelling and under whatever name.
func (c *credentialCheck) blank(body []byte) []byte {
	v, err := provider.ParseJSON(body)
	if err != nil {
		return body
	}
	spellings := make(map[string]bool)
	c.spelled(v, spellings)
	for raw := range spellings {
		body = bytes.ReplaceAll(body, []byte(raw), []byte(`""`))
	}
	return body
}

func (c *credentialCheck) spelled(v provider.Value, found map[string]bool) {
	if v.Kind() == provider.KindText && provider.FindSecret(c.secrets, v.Text()) {
		found[string(v.Raw())] = true
	}
	for child := range v.Children() {
		c.spelled(child, found)
	}
}

// holding names the members of an event that hold a credential of the body, to be sealed: none where it is no part of
// the payload.
func (d *reader) holding(at pointer) ([]schema.Member, error) {
	if d.several { // an element is the payload
		n := len(d.batch)
		if len(at) <= n || !slices.Equal(at[:n], d.batch) {
			return nil, nil
		}
		at = at[n+1:]
	}
	if d.token != nil || len(at) == 0 { // claims are the payload, or the header has the credential
		return nil, nil
	}
	return at.members()
}

// members names what a pointer leads to in a payload. A number is an element, which has no name, or the name of a
// member: both are sealed.
func (p pointer) members() ([]schema.Member, error) {
	const payload = "payload"
	named, numbered := payload, payload
	for _, s := range p {
		switch {
		case s.conditional: // an element
			continue
		case s.name == "" || s.name == "**" || s.name[0] == '#' || strings.Contains(s.name, "."):
			return nil, errors.New("a member with a full stop, # or ** in its name cannot be sealed")
		}
		numbered += "." + s.name
		if strings.Trim(s.name, "0123456789*") != "" {
			named += "." + s.name
		}
	}
	members := []schema.Member{schema.Member(numbered)}
	if named != payload && named != numbered {
		members = append(members, schema.Member(named))
	}
	return members, nil
}
