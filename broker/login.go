package broker

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nkeys"
)

// login returns the options by which a connection proves who it is. Every file is read once, so that a wrong one is an
// error at the start and not at the first connection. No error holds a secret.
func login(c Config) ([]nats.Option, error) {
	if err := checkLogin(c); err != nil {
		return nil, err
	}
	var options []nats.Option
	if c.URL != "" {
		var err error
		if options, err = loginTLS(c.TLS); err != nil {
			return nil, err
		}
	}
	switch {
	case c.Creds != "":
		if err := checkCreds(c.Creds); err != nil {
			return nil, err
		}
		options = append(options, nats.UserCredentials(c.Creds))
	case c.NKey != "":
		nkey, err := nats.NkeyOptionFromSeed(c.NKey)
		if err != nil {
			return nil, fmt.Errorf("read nats.nkey %s: want a file with an nkey user seed: %w", c.NKey, err)
		}
		options = append(options, nkey)
	case c.Token != "":
		options = append(options, nats.Token(c.Token))
	case c.User != "":
		options = append(options, nats.UserInfo(c.User, c.Password))
	}
	return options, nil
}

// checkLogin refuses what contradicts itself.
func checkLogin(c Config) error {
	var ways []string
	for _, way := range []struct{ name, value string }{
		{"nats.creds", c.Creds}, {"nats.nkey", c.NKey}, {"nats.user", c.User}, {"nats.token", c.Token},
	} {
		if way.value != "" {
			ways = append(ways, way.name)
		}
	}
	switch {
	case len(ways) > 1:
		return fmt.Errorf("%s are set: log in to NATS one way", strings.Join(ways, " and "))
	case c.Password != "" && c.User == "":
		return errors.New("nats.password is set without nats.user")
	case c.User != "" && c.Password == "":
		return errors.New("nats.user is set without nats.password")
	case c.URL == "" && (c.Creds != "" || c.NKey != ""):
		return fmt.Errorf("%s needs nats.url: the embedded server knows nats.user or nats.token only", ways[0])
	case c.URL == "" && c.TLS.CA != "":
		return errors.New("nats.tls.ca needs nats.url: clients of the embedded server log in with passwords")
	case (c.TLS.Cert == "") != (c.TLS.Key == ""):
		return errors.New("nats.tls: cert and key belong together, one is missing")
	}
	return checkUsers(c)
}

// checkCreds reads a credentials file, which the client otherwise does at every connection.
func checkCreds(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read nats.creds: %w", err)
	}
	defer clear(text)
	seed, err := nkeys.ParseDecoratedUserNKey(text)
	if err != nil {
		return fmt.Errorf("read nats.creds %s: want a user JWT and its seed, as nsc writes them: %w", path, err)
	}
	seed.Wipe()
	return nil
}

func loginTLS(t TLS) ([]nats.Option, error) {
	var options []nats.Option
	if t.Pin != "" {
		config, err := pinned(t.Pin)
		if err != nil {
			return nil, fmt.Errorf("read nats.tls: %w", err)
		}
		options = append(options, nats.Secure(config))
	}
	if t.CA != "" {
		options = append(options, nats.RootCAs(t.CA))
	}
	if t.Cert != "" {
		options = append(options, nats.ClientCert(t.Cert, t.Key))
	}
	var scratch nats.Options
	for _, o := range options {
		if err := o(&scratch); err != nil { // reads the files
			return nil, fmt.Errorf("read nats.tls: %w", err)
		}
	}
	return options, nil
}

// redactURL checks nats.url and returns it without user, password and token.
func redactURL(urls string) (string, error) {
	var clean []string
	for text := range strings.SplitSeq(urls, ",") {
		text = strings.TrimSpace(text)
		if !strings.Contains(text, "://") {
			text = "nats://" + text
		}
		u, err := url.Parse(text)
		if err != nil { // not wrapped: it quotes what may be the password
			return "", errors.New("nats.url is not a URL: want nats://host:4222, special characters of a password as %XX")
		}
		switch u.Scheme {
		case "nats", "tls", "ws", "wss":
		default:
			return "", fmt.Errorf("nats.url: scheme %q: want nats, tls, ws or wss", u.Scheme)
		}
		if u.Hostname() == "" {
			return "", errors.New("nats.url: the host is missing: want nats://host:4222")
		}
		u.User = nil
		clean = append(clean, u.String())
	}
	return strings.Join(clean, ","), nil
}
