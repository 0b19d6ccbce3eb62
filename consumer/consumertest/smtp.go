package consumertest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// SMTPUser and SMTPPassword are the one login that an SMTP server takes.
const (
	SMTPUser     = "forebay"
	SMTPPassword = "opens nothing"
)

// SMTP is a mail server for localhost. It is emersion/go-smtp, a server in production use elsewhere, in this process: it
// speaks the protocol over TCP with STARTTLS and AUTH. In this process so that a test can stop it, have it refuse, and
// break its connections at a certain point, which no installed server does on demand.
type SMTP struct {
	Port int
	CA   string // a PEM file with the authority of its certificate

	t      testing.TB
	tls    *tls.Config
	server *smtp.Server // nil: down
	listen net.Listener

	mu      sync.Mutex
	options SMTPOptions
	arrived []Mail
}

// SMTPOptions says what differs from a server that demands nothing and takes every mail.
type SMTPOptions struct {
	Implicit, Plain  bool  // TLS from the first byte; no TLS. They count when it starts
	Mail, Rcpt, Data error // what it answers to MAIL, to RCPT and to the content
	Vanish           bool  // takes the mail and breaks the connection in place of an answer
}

// StartSMTP runs a server until the test ends.
func StartSMTP(t testing.TB, o SMTPOptions) *SMTP {
	t.Helper()
	s := &SMTP{Port: FreePort(), t: t, options: o}
	s.tls, s.CA = certificate(t)
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts a stopped server on its port. It knows the mails that it had.
func (s *SMTP) Start() {
	s.t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.Port)))
	if err != nil {
		s.t.Fatal(err)
	}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, c: c}, nil }))
	server.Domain = "localhost"
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	switch {
	case s.options.Implicit:
		l = tls.NewListener(l, s.tls)
	case !s.options.Plain:
		server.TLSConfig = s.tls
	}
	s.server, s.listen = server, l
	go func() { _ = server.Serve(l) }()
}

// Stop ends the server and its connections. Stopping a stopped server does nothing.
func (s *SMTP) Stop() {
	if s.server != nil {
		_ = s.listen.Close() // the server may not have got as far as to know of it
		_ = s.server.Close()
		s.server = nil
	}
}

// Set changes what the server answers from now on.
func (s *SMTP) Set(o SMTPOptions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = o
}

// Mails are those that it took, in order.
func (s *SMTP) Mails() []Mail {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.arrived)
}

// A session is a connection to the server.
type session struct {
	s              *SMTP
	c              *smtp.Conn
	user, from, to string
}

func (c *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (c *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != SMTPUser || password != SMTPPassword {
			return smtp.ErrAuthFailed
		}
		c.user = user
		return nil
	}), nil
}

func (c *session) Mail(from string, _ *smtp.MailOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.from = from
	return c.s.options.Mail
}

func (c *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.to = to
	return c.s.options.Rcpt
}

func (c *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	if c.s.options.Data != nil {
		return c.s.options.Data
	}
	c.s.arrived = append(c.s.arrived, Mail{From: c.from, To: c.to, User: c.user, Raw: raw, At: time.Now()})
	if c.s.options.Vanish {
		_ = c.c.Conn().Close()
		return errors.New("gone")
	}
	return nil
}

func (c *session) Reset()        {}
func (c *session) Logout() error { return nil }

// certificate makes one for localhost that is an authority too, and the file that says so.
func certificate(t testing.TB) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}, file
}
