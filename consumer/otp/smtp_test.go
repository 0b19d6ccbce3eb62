package otp

import (
	"bytes"
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
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A post is an SMTP server. It is emersion/go-smtp, a server in production use elsewhere, in this process: it speaks the
// protocol over TCP with STARTTLS and AUTH, which is what the mailer is tested against. In this process so that a test
// can stop it, have it refuse, and break its connections at a certain point, which no installed server does on demand.
type post struct {
	t      *testing.T
	port   int
	ca     string // a PEM file
	tls    *tls.Config
	server *smtp.Server // nil: down
	listen net.Listener

	mu       sync.Mutex
	options  postOptions
	arrived  []parcelPost
	attempts int // transactions that got as far as MAIL
}

type postOptions struct {
	implicit, plain bool // TLS from the first byte; no TLS
	mail, rcpt      error
	data            error
	vanish          bool // takes the mail and breaks the connection in place of an answer
}

type parcelPost struct {
	from, to string
	user     string // who logged in
	raw      []byte
}

func newPost(t *testing.T, o postOptions) *post {
	t.Helper()
	p := &post{t: t, options: o}
	p.tls, p.ca = certificate(t)
	p.start()
	t.Cleanup(p.stop)
	return p
}

func (p *post) start() {
	p.t.Helper()
	l, err := (&net.ListenConfig{}).Listen(p.t.Context(), "tcp", net.JoinHostPort("127.0.0.1", portText(p.port)))
	if err != nil {
		p.t.Fatal(err)
	}
	p.port = l.Addr().(*net.TCPAddr).Port
	p.server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{p: p, c: c}, nil }))
	p.server.Domain = "localhost"
	p.server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	switch {
	case p.options.implicit:
		l = tls.NewListener(l, p.tls)
	case !p.options.plain:
		p.server.TLSConfig = p.tls
	}
	p.listen = l
	server := p.server
	go func() { _ = server.Serve(l) }()
}

func (p *post) stop() {
	if p.server != nil {
		_ = p.listen.Close() // the server may not have got as far as to know of it
		_ = p.server.Close()
		p.server = nil
	}
}

func (p *post) set(o postOptions) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.options = o
}

func (p *post) mails() []parcelPost {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]parcelPost(nil), p.arrived...)
}

// wait gives the mails once there are n.
func (p *post) wait(n int) []parcelPost {
	p.t.Helper()
	eventually(p.t, "mails", func() bool { return len(p.mails()) >= n })
	if got := p.mails(); len(got) > n {
		p.t.Fatalf("%d mails, want %d", len(got), n)
	}
	return p.mails()
}

// smtpOptions is the job's way to the server.
func (p *post) smtpOptions() SMTP {
	s := SMTP{
		Host: "localhost", Port: p.port, CA: Path(p.ca), User: "forebay", Password: "opens nothing",
		From: "Example <no-reply@example.com>", Timeout: 5 * time.Second,
	}
	if p.options.implicit {
		s.TLS = tlsImplicit
	}
	return s
}

// A session is a connection to the server.
type session struct {
	p          *post
	c          *smtp.Conn
	user, from string
	to         string
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != "forebay" || password != "opens nothing" {
			return smtp.ErrAuthFailed
		}
		s.user = user
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.attempts++
	s.from = from
	return s.p.options.mail
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.to = to
	return s.p.options.rcpt
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	if s.p.options.data != nil {
		return s.p.options.data
	}
	s.p.arrived = append(s.p.arrived, parcelPost{from: s.from, to: s.to, user: s.user, raw: raw})
	if s.p.options.vanish {
		_ = s.c.Conn().Close()
		return errors.New("gone")
	}
	return nil
}

func (s *session) Reset()        {}
func (s *session) Logout() error { return nil }

// header and parts read a mail as a mail program does.
func (m parcelPost) header(t *testing.T) netmail.Header {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(m.raw))
	if err != nil {
		t.Fatal(err)
	}
	return msg.Header
}

func (m parcelPost) subject(t *testing.T) string {
	t.Helper()
	text, err := new(mime.WordDecoder).DecodeHeader(m.header(t).Get("Subject"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (m parcelPost) parts(t *testing.T) (text, html string) {
	t.Helper()
	msg, err := netmail.ReadMessage(bytes.NewReader(m.raw))
	if err != nil {
		t.Fatal(err)
	}
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("a mail of type %q, %v", kind, err)
	}
	r := multipart.NewReader(msg.Body, params["boundary"])
	return nextPart(t, r, "text/plain"), nextPart(t, r, "text/html")
}

func nextPart(t *testing.T, r *multipart.Reader, want string) string {
	t.Helper()
	p, err := r.NextRawPart()
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Header.Get("Content-Type"); !strings.HasPrefix(got, want) {
		t.Fatalf("a part of type %q, want %q", got, want)
	}
	text, err := io.ReadAll(quotedprintable.NewReader(p))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var sixDigits = regexp.MustCompile(`\b\d{6}\b`)

func (m parcelPost) code(t *testing.T) string {
	t.Helper()
	text, html := m.parts(t)
	code := sixDigits.FindString(text)
	if code == "" || !strings.Contains(html, ">"+code+"<") {
		t.Fatalf("no code, or not the same in both parts:\n%s\n%s", text, html)
	}
	return code
}

// certificate makes one for localhost that is an authority too, and the file that says so.
func certificate(t *testing.T) (*tls.Config, string) {
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
