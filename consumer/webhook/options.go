package webhook

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// Options are the settings of a consumer with "run: webhook".
type Options struct {
	// URL is where events are POSTed: http or https, without user and fragment. Redirects are not followed. https, unless
	// the network between is yours: a signature keeps nobody from reading. Required.
	URL string `yaml:"url"`

	// Secret signs the requests: whsec_ and the base64 of 24 bytes or more. The receiver has it too. One of Secret,
	// Secrets and SecretFile is required, unless Unsigned is set.
	Secret string `yaml:"secret"`
	// Secrets are several of them: a request is signed with each, so that a receiver finds the one that it knows. List
	// the old and the new one while you change it.
	Secrets []string `yaml:"secrets"`
	// SecretFile is a file that holds one secret; one newline at its end is cut. It adds to Secret and Secrets.
	SecretFile Path `yaml:"secret_file"`
	// Unsigned says that requests carry no signature: the receiver cannot tell them from anybody else's. Default: false.
	Unsigned bool `yaml:"unsigned"`

	// Headers are added to every request, as Authorization for a gateway. The headers that this job makes itself cannot
	// be set. Default: none.
	Headers map[string]string `yaml:"headers"`

	// Timeout is how long one request may take, waiting for a connection included. The consumer's own timeout ends it
	// too. Default: 15s.
	Timeout time.Duration `yaml:"timeout"`
	// MaxConnections is how many connections there are at a time. Requests above that wait. Default: 16.
	MaxConnections int `yaml:"max_connections"`
	// MaxRetryAfter bounds what a receiver may ask for by Retry-After. Default: 1h.
	MaxRetryAfter time.Duration `yaml:"max_retry_after"`

	// Proxy is what requests go through: http, https or socks5. The proxy variables of the environment are not read.
	// Default: none.
	Proxy string `yaml:"proxy"`
	// TLS is for receivers with certificates of a private authority, and for those that ask for ours. Only with https.
	TLS TLS `yaml:"tls"`
}

// TLS is TLS towards the receiver, 1.2 or later. Files are read when the configuration is.
type TLS struct {
	// CA is a PEM file of authorities that sign the receiver. Default: those of the system.
	CA Path `yaml:"ca"`
	// Cert is a PEM file with our certificate and its chain. Needs Key.
	Cert Path `yaml:"cert"`
	// Key is the PEM file of its private key. Keep it to yourself: mode 0600.
	Key Path `yaml:"key"`
}

// A Path names a file. In a configuration file a relative one starts at the folder of that file.
type Path string

// readOptions decodes the options over their defaults and refuses what cannot work.
func readOptions(c consumer.JobConfig) (Options, error) {
	o := Options{Timeout: 15 * time.Second, MaxConnections: 16, MaxRetryAfter: time.Hour}
	if err := c.Options(&o); err != nil {
		return o, err
	}
	return o, o.check()
}

func (o Options) check() error {
	switch {
	case o.URL == "":
		return errors.New("url: missing")
	case o.Timeout <= 0:
		return errors.New("timeout: want more than zero")
	case o.MaxConnections <= 0:
		return errors.New("max_connections: want more than zero")
	case o.MaxRetryAfter <= 0:
		return errors.New("max_retry_after: want more than zero")
	case (o.TLS.Cert == "") != (o.TLS.Key == ""):
		return errors.New("tls: cert and key need each other")
	case o.TLS != TLS{} && !strings.HasPrefix(strings.ToLower(o.URL), "https:"):
		return errors.New("tls: the url is not https")
	}
	return checkHeaders(o.Headers)
}

// parseURL does not repeat the text in its errors: there may be a secret in it.
func parseURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Hostname() == "" || (u.Scheme != "http" && u.Scheme != "https"):
		return nil, errors.New("want an absolute URL with http or https, such as https://crm.example.com/events")
	case u.User != nil:
		return nil, errors.New("has a user: set the header Authorization instead")
	case u.Fragment != "":
		return nil, errors.New("has a fragment, which is never sent")
	}
	return u, nil
}

var (
	headerName  = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$") // RFC 9110, section 5.6.2
	headerValue = regexp.MustCompile(`^[\t\x20-\x7e]*$`)
)

// own are the headers that are not for the configuration, in canonical form.
var own = []string{
	"Connection", "Content-Encoding", "Content-Length", "Content-Type", "Expect", "Host", "Idempotency-Key", "Keep-Alive",
	"Te", "Traceparent", "Trailer", "Transfer-Encoding", "Upgrade",
}

// ownPrefixes begin names of headers that are not for the configuration either.
var ownPrefixes = []string{"Ce-", "Webhook-", "Forebay-", "Proxy-"}

func checkHeaders(headers map[string]string) error {
	seen := map[string]bool{}
	for name, value := range headers {
		canonical := http.CanonicalHeaderKey(name)
		hasPrefix := func(prefix string) bool { return strings.HasPrefix(canonical, prefix) }
		switch {
		case !headerName.MatchString(name):
			return fmt.Errorf("headers: %q is no name of a header", name)
		case slices.Contains(own, canonical) || slices.ContainsFunc(ownPrefixes, hasPrefix):
			return fmt.Errorf("headers: %s is not for you to set", name)
		case seen[canonical]:
			return fmt.Errorf("headers: %s is there twice", name)
		case !headerValue.MatchString(value):
			return fmt.Errorf("headers: %s: has what is not printable ASCII", name)
		}
		seen[canonical] = true
	}
	return nil
}

// signer makes the signer of all secrets, nil where requests are not signed.
func (o Options) signer() (signer, error) {
	secrets := slices.Clone(o.Secrets)
	if o.Secret != "" {
		secrets = append([]string{o.Secret}, secrets...)
	}
	if o.SecretFile != "" {
		text, err := os.ReadFile(string(o.SecretFile))
		if err != nil {
			return nil, fmt.Errorf("secret_file: %w", err)
		}
		secrets = append(secrets, strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r"))
	}
	switch {
	case o.Unsigned && len(secrets) > 0:
		return nil, errors.New("unsigned: there is a secret; choose one of the two")
	case !o.Unsigned && len(secrets) == 0:
		return nil, errors.New(`secret: missing: give one, whsec_ and base64, or say "unsigned: true"`)
	}
	return newSigner(secrets)
}
