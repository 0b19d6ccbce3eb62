package generic

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/forebayhq/forebay/provider"
)

// A credentialCheck is a fixed secret that comes with each delivery.
type credentialCheck struct {
	o       CredentialOptions
	at      pointer // of in: member
	secrets []string
}

func (b *builder) credential(o CredentialOptions) (check, error) {
	c := credentialCheck{o: o}
	switch o.In {
	case "header", "bearer", "basic":
		c.o.Name = or(o.Name, "Authorization")
	case "query", "member":
		if o.Name == "" {
			return check{}, errors.New("name: missing")
		}
	default:
		return check{}, errors.New("in: not header, bearer, basic, query or member")
	}
	var err error
	if o.In == "member" {
		if c.at, err = parsePointer(o.Name); err != nil {
			return check{}, fmt.Errorf("name: %w", err)
		}
	}
	if c.secrets, err = b.take(o.Secrets); err != nil {
		return check{}, err
	}
	for _, secret := range c.secrets {
		if o.In == "basic" && !strings.Contains(secret, ":") {
			return check{}, errors.New("secrets: one is not user:password")
		}
	}
	b.credentials = append(b.credentials, &c)
	return check{verify: c.verify, sign: c.sign, proves: o.Unsigned}, nil
}

func (c *credentialCheck) verify(r provider.Request) error {
	if c.o.In == "member" {
		return c.verifyMembers(r.Body)
	}
	got, err := c.read(r)
	if err != nil {
		return err
	}
	if !provider.FindSecret(c.secrets, got) {
		return errors.New("does not fit")
	}
	return nil
}

func (c *credentialCheck) read(r provider.Request) (string, error) {
	switch c.o.In {
	case "bearer":
		return afterScheme(r.Header, c.o.Name, "Bearer")
	case "basic":
		return basic(r.Header, c.o.Name)
	case "query":
		return parameter(r.URL.RawQuery, c.o.Name)
	}
	return provider.OneHeader(r.Header, c.o.Name)
}

// basic is user:password (RFC 7617). The password may hold colons.
func basic(h http.Header, name string) (string, error) {
	text, err := afterScheme(h, name, "Basic")
	if err != nil {
		return "", err
	}
	pair, err := base64Codec(base64.StdEncoding).decode(text)
	if err != nil {
		return "", fmt.Errorf("header %s: not base64", name)
	}
	return string(pair), nil
}

// parameter is the decoded value of a parameter that is there exactly once.
func parameter(query, name string) (string, error) {
	value, ok := provider.QueryOnce(query, name)
	if !ok || value == "" {
		return "", fmt.Errorf("query: %s is not there exactly once", name)
	}
	return value, nil
}

// verifyMembers wants the secret in every place that the pointer names, and at least one.
func (c *credentialCheck) verifyMembers(body []byte) error {
	v, err := provider.ParseJSON(body)
	if err != nil {
		return err
	}
	places := 0
	for found := range c.at.all(v) {
		if found.Kind() != provider.KindText || !provider.FindSecret(c.secrets, found.Text()) {
			return fmt.Errorf("member %s: missing, or does not fit", c.o.Name)
		}
		places++
	}
	if places == 0 {
		return fmt.Errorf("member %s: missing", c.o.Name)
	}
	return nil
}

func (c *credentialCheck) sign(r *provider.Request) error {
	secret := c.secrets[0]
	switch c.o.In {
	case "header":
		header(r).Set(c.o.Name, secret)
	case "bearer":
		header(r).Set(c.o.Name, "Bearer "+secret)
	case "basic":
		header(r).Set(c.o.Name, "Basic "+base64.StdEncoding.EncodeToString([]byte(secret)))
	case "query":
		u := *r.URL
		query := u.Query()
		query.Set(c.o.Name, secret)
		u.RawQuery = query.Encode()
		r.URL = &u
	default:
		return errors.New("sign: a credential in the body is put there by its sender")
	}
	return nil
}
