package otp

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// Options are the settings of the job. At least one way to send is needed: SMTP, or a gateway.
type Options struct {
	// Key is the secret of the keyed hash under which codes are kept: 32 bytes or more, for example from
	// "openssl rand -hex 32". Codes are so short that without it a plain hash would be no protection. Programs that check
	// codes in KV themselves need it too. Changing it ends the codes that are under way. Needed, or KeyFile.
	Key string `yaml:"key"`
	// KeyFile is a file with Key. A newline at its end is not a part of it.
	KeyFile Path `yaml:"key_file"`

	// Code is where the event holds the provider's own code: a JSON pointer (RFC 6901) into the event's JSON, for example
	// /payload/context/code. It may be sealed. Default: none; a code is made.
	Code string `yaml:"code"`
	// Length is how many digits a code has that is made: 4 to 12. Default: 6.
	Length int `yaml:"length"`
	// Lifetime is how long a code is right, from when it is made. Default: 10m.
	Lifetime time.Duration `yaml:"lifetime"`
	// Guesses is how many wrong guesses end a code. Default: 5.
	Guesses int `yaml:"guesses"`

	// Name is who the message says it comes from: "Example". Default: empty; the shipped templates then name nobody.
	Name string `yaml:"name"`
	// Locale is the language of a message whose user has none, or one that there are no templates for. Default: en.
	Locale string `yaml:"locale"`
	// Templates is a folder with templates of your own: <locale>/email.txt, email.html, sms.txt and call.txt. Each file
	// replaces the shipped one of its name; locales are added. Default: none.
	Templates Path `yaml:"templates"`

	// SMTP sends what is for channel email.
	SMTP SMTP `yaml:"smtp"`
	// Gateways send what is for the channels sms and call, by a request over HTTP.
	Gateways map[string]Gateway `yaml:"gateways"`

	// Verify answers whether a code is right.
	Verify Verify `yaml:"verify"`

	// Remember is how long it is known that an event's message was sent. Events that can come again later than this, by
	// retries, redrive or replay, need a max_age. Default: 96h.
	Remember time.Duration `yaml:"remember"`
	// Replicas is how many servers of a cluster keep the two buckets. Default: as many as keep the stream.
	Replicas int `yaml:"replicas"`
}

// SMTP is the server that takes the mails.
type SMTP struct {
	// Host is the server's name, as its certificate has it. Needed to send mail.
	Host string `yaml:"host"`
	// Port is its port. Default: 587, and 465 with "tls: implicit".
	Port int `yaml:"port"`
	// TLS is starttls, which is demanded and never left out; implicit, which speaks TLS from the first byte; or none, for
	// a server on this machine. Default: starttls.
	TLS string `yaml:"tls"`
	// CA is a PEM file of authorities that sign the server. Default: those of the system.
	CA Path `yaml:"ca"`
	// User logs in with the strongest way that the server offers: SCRAM, CRAM-MD5, and, over TLS alone, PLAIN or LOGIN.
	// Default: no login.
	User string `yaml:"user"`
	// Password belongs to User.
	Password string `yaml:"password"`
	// PasswordFile is a file with Password.
	PasswordFile Path `yaml:"password_file"`
	// From is the sender: no-reply@example.com, or Example <no-reply@example.com>. Needed.
	From string `yaml:"from"`
	// HELO is how we introduce ourselves. Default: the name of this machine.
	HELO string `yaml:"helo"`
	// Timeout bounds a delivery from dialling to the answer. Default: 20s.
	Timeout time.Duration `yaml:"timeout"`
}

// Verify is the listener of POST /otp/verify.
type Verify struct {
	// Listen is host:port. Keep it on loopback or a network of your own. Default: none; nobody can ask here.
	Listen string `yaml:"listen"`
	// Tokens are what callers send as "Authorization: Bearer …": 16 characters or more each; any of them will do. Needed
	// with Listen, or TokenFile.
	Tokens []string `yaml:"tokens"`
	// TokenFile is a file with one more of Tokens.
	TokenFile Path `yaml:"token_file"`
	// Source is whose codes a request means that names no source. Default: ssofy.
	Source string `yaml:"source"`
	// Rate bounds the requests in a second; above it the answer is 429. Default: 100.
	Rate int `yaml:"rate"`
	// Cert is a PEM file with a certificate and its chain; the listener then speaks HTTPS. Needs CertKey.
	Cert Path `yaml:"cert"`
	// CertKey is the PEM file of its private key.
	CertKey Path `yaml:"cert_key"`
}

const (
	minKey   = 32
	minToken = 16
)

func readOptions(c consumer.JobConfig) (o Options, err error) {
	if err := c.Options(&o); err != nil {
		return o, err
	}
	o.Replicas = cmp.Or(o.Replicas, c.Replicas, 1)
	if err := o.readSecrets(); err != nil {
		return o, err
	}
	o.complete()
	return o, o.check()
}

func (o *Options) readSecrets() error {
	token := ""
	err := errors.Join(
		readSecret("key_file", o.KeyFile, &o.Key),
		readSecret("smtp.password_file", o.SMTP.PasswordFile, &o.SMTP.Password),
		readSecret("verify.token_file", o.Verify.TokenFile, &token),
	)
	if o.Verify.TokenFile != "" {
		o.Verify.Tokens = append(o.Verify.Tokens, token)
	}
	for channel, g := range o.Gateways {
		err = errors.Join(err, readSecret("gateways."+channel+".password_file", g.PasswordFile, &g.Password))
		o.Gateways[channel] = g
	}
	return err
}

// readSecret reads a file, without the newline at its end. No file leaves into as it is.
func readSecret(name string, file Path, into *string) error {
	if file == "" {
		return nil
	}
	if *into != "" {
		return fmt.Errorf("%s: the secret is written beside it already: choose one", name)
	}
	text, err := os.ReadFile(string(file))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	*into = strings.TrimRight(string(text), "\r\n")
	return nil
}

func (o *Options) complete() {
	o.Length = cmp.Or(o.Length, 6)
	o.Lifetime = cmp.Or(o.Lifetime, 10*time.Minute)
	o.Guesses = cmp.Or(o.Guesses, 5)
	o.Locale = cmp.Or(normal(o.Locale), "en")
	o.Remember = cmp.Or(o.Remember, 96*time.Hour)
	o.SMTP.TLS = cmp.Or(o.SMTP.TLS, tlsStart)
	o.SMTP.Timeout = cmp.Or(o.SMTP.Timeout, 20*time.Second)
	if o.SMTP.Port == 0 {
		o.SMTP.Port = map[string]int{tlsImplicit: 465}[o.SMTP.TLS]
		o.SMTP.Port = cmp.Or(o.SMTP.Port, 587)
	}
	for channel, g := range o.Gateways {
		o.Gateways[channel] = g.complete(channel)
	}
	o.Verify.Source = cmp.Or(o.Verify.Source, "ssofy")
	o.Verify.Rate = cmp.Or(o.Verify.Rate, 100)
}

func (o *Options) check() error {
	return errors.Join(
		require(len(o.Key) >= minKey, fmt.Sprintf("key: want %d bytes or more, in key or key_file", minKey)),
		require(o.Code == "" || strings.HasPrefix(o.Code, "/"), "code: want a JSON pointer such as /payload/code"),
		require(o.Length >= 4 && o.Length <= 12, "length: want 4 to 12"),
		require(o.Lifetime >= time.Second, "lifetime: want at least 1s"),
		require(o.Guesses > 0, "guesses: want more than zero"),
		require(o.Remember >= o.Lifetime, "remember: want at least the lifetime"),
		require(o.Replicas >= 1 && o.Replicas <= 5, "replicas: want 1 to 5"),
		require(o.SMTP.Host != "" || len(o.Gateways) > 0, "nothing to send with: want smtp or gateways"),
		o.SMTP.check(),
		o.checkGateways(),
		o.Verify.check(),
	)
}

func (s SMTP) check() error {
	if s.Host == "" {
		return nil
	}
	_, err := mail.ParseAddress(s.From)
	return errors.Join(
		require(s.TLS == tlsStart || s.TLS == tlsImplicit || s.TLS == tlsNone, "smtp.tls: want starttls, implicit or none"),
		require(err == nil, "smtp.from: want an address such as Example <no-reply@example.com>"),
		require(s.Port > 0 && s.Port < 1<<16, "smtp.port: want 1 to 65535"),
		require((s.User == "") == (s.Password == ""), "smtp: user and password need each other"),
		require(s.Timeout > 0, "smtp.timeout: want more than zero"),
	)
}

func (o *Options) checkGateways() (err error) {
	for channel, g := range o.Gateways {
		known := channel == channelSMS || channel == channelCall
		err = errors.Join(err, require(known, "gateways: want sms or call"), g.check("gateways."+channel))
	}
	return err
}

func (v Verify) check() error {
	if v.Listen == "" {
		return nil
	}
	err := errors.Join(
		require(len(v.Tokens) > 0, "verify: needs tokens or token_file"),
		require(v.Rate > 0, "verify.rate: want more than zero"),
		require((v.Cert == "") == (v.CertKey == ""), "verify: cert and cert_key need each other"),
	)
	for i, token := range v.Tokens {
		err = errors.Join(err, require(len(token) >= minToken, fmt.Sprintf("verify.tokens[%d]: want %d characters or more", i, minToken)))
	}
	return err
}

// channels are those that are configured, in no order.
func (o *Options) channels() (all []string) {
	if o.SMTP.Host != "" {
		all = append(all, channelEmail)
	}
	return slices.AppendSeq(all, maps.Keys(o.Gateways))
}

// window is how long an attempt can take between "sending" and its answer, with a margin for slow clocks.
func (o *Options) window() time.Duration {
	longest := time.Duration(0)
	if o.SMTP.Host != "" {
		longest = o.SMTP.Timeout
	}
	for _, g := range o.Gateways {
		longest = max(longest, g.Timeout)
	}
	return longest + settleTime
}

func require(ok bool, message string) error {
	if ok {
		return nil
	}
	return errors.New(message)
}

// A Path names a file or a folder. In a configuration file a relative one starts at the folder of that file.
type Path string
