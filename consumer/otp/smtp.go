package otp

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"regexp"
	"strings"

	"github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"github.com/forebayhq/forebay/consumer"
)

// The values of SMTP.TLS.
const (
	tlsStart    = "starttls"
	tlsImplicit = "implicit"
	tlsNone     = "none"
)

// A mailer carries letters to an SMTP server, each over a connection of its own: codes are few, and nothing that an
// earlier letter left behind can hurt a later one.
type mailer struct {
	SMTP
	from *netmail.Address
	tls  *tls.Config
}

func newMailer(o SMTP) (*mailer, error) {
	from, err := netmail.ParseAddress(o.From)
	if err != nil {
		return nil, errors.New("smtp.from: not an address")
	}
	m := &mailer{SMTP: o, from: from, tls: &tls.Config{ServerName: o.Host, MinVersion: tls.VersionTLS12}}
	if o.CA == "" {
		return m, nil
	}
	pem, err := os.ReadFile(string(o.CA))
	if err != nil {
		return nil, fmt.Errorf("smtp.ca: %w", err)
	}
	m.tls.RootCAs = x509.NewCertPool()
	if !m.tls.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("smtp.ca: no certificate in %s", o.CA)
	}
	return m, nil
}

// deliver goes through one SMTP transaction. Until the full stop that ends the content the server has not taken the
// letter (RFC 5321, 4.1.1.4), so that is where commit stands.
func (m *mailer) deliver(ctx context.Context, l *letter, commit func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, m.Timeout)
	defer cancel()
	c, hangUp, err := m.dial(ctx)
	if err != nil {
		return clean("connect and log in", err) // the operator's to mend, not the event's fault: never permanent
	}
	defer hangUp()
	content, err := m.open(c, m.compose(l))
	if err != nil {
		return err
	}
	if err := commit(ctx); err != nil {
		return err
	}
	if err := content.Close(); err != nil {
		return handedOver(err)
	}
	_ = c.Quit() // the letter is theirs
	return nil
}

// open goes up to the end of the content.
func (m *mailer) open(c *smtp.Client, msg *mail.Msg) (io.Closer, error) {
	from, err := msg.GetSender(false)
	if err != nil {
		return nil, consumer.Permanent(errors.New("the sender is no address"))
	}
	to, err := msg.GetRecipients()
	if err != nil {
		return nil, consumer.Permanent(errors.New("the recipient is no address"))
	}
	if err := c.Mail(from); err != nil {
		return nil, refused("MAIL FROM", err)
	}
	if err := c.Rcpt(to[0]); err != nil {
		return nil, refused("RCPT TO", err)
	}
	content, err := c.Data()
	if err != nil {
		return nil, refused("DATA", err)
	}
	if _, err := msg.WriteTo(content); err != nil {
		return nil, clean("write the content", err)
	}
	return content, nil
}

// compose makes a mail of a letter.
func (m *mailer) compose(l *letter) *mail.Msg {
	msg := mail.NewMsg()
	msg.FromMailAddress(m.from)
	msg.ToMailAddress(&netmail.Address{Address: l.to})
	_, domain, _ := strings.Cut(m.from.Address, "@")
	msg.SetMessageIDWithValue(l.id + "@" + domain)
	msg.SetDate()
	msg.Subject(l.subject)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no replies by machines
	msg.SetGenHeader("X-Auto-Response-Suppress", "All")
	msg.SetBodyString(mail.TypeTextPlain, l.text)
	if l.html != "" {
		msg.AddAlternativeString(mail.TypeTextHTML, l.html)
	}
	return msg
}

// dial connects, encrypts and logs in. The end of ctx closes the connection from the start on, and so breaks off whatever
// waits for the server; hangUp closes it too.
func (m *mailer) dial(ctx context.Context) (c *smtp.Client, hangUp func(), err error) {
	hangUp = func() {}
	policy := map[string]mail.TLSPolicy{
		tlsStart: mail.TLSMandatory, tlsNone: mail.NoTLS,
		tlsImplicit: mail.TLSOpportunistic, // go-mail then looks whether the connection is encrypted; it is
	}[m.TLS]
	options := []mail.Option{
		mail.WithPort(m.Port), mail.WithTimeout(m.Timeout), mail.WithTLSConfig(m.tls), mail.WithTLSPolicy(policy),
		mail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) { // which ends with the dialling
			conn, err := m.connect(dialing, network, address)
			if err != nil {
				return nil, err
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			hangUp = func() { stop(); _ = conn.Close() }
			return conn, nil
		}),
	}
	if m.HELO != "" {
		options = append(options, mail.WithHELO(m.HELO))
	}
	if m.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.User), mail.WithPassword(m.Password))
	}
	client, err := mail.NewClient(m.Host, options...)
	if err != nil {
		return nil, nil, err
	}
	if c, err = client.DialToSMTPClientWithContext(ctx); err != nil {
		hangUp() // go-mail leaves a connection open on which it could not log in
		if ctx.Err() != nil {
			err = fmt.Errorf("%w: %w", ctx.Err(), err)
		}
		return nil, nil, err
	}
	return c, hangUp, nil
}

func (m *mailer) connect(ctx context.Context, network, address string) (net.Conn, error) {
	if m.TLS == tlsImplicit {
		return (&tls.Dialer{Config: m.tls}).DialContext(ctx, network, address)
	}
	return (&net.Dialer{}).DialContext(ctx, network, address)
}

// handedOver reads the answer to the content. A refusal is one; without an answer the letter may be theirs.
func handedOver(err error) error {
	if answer := (*textproto.Error)(nil); errors.As(err, &answer) {
		return refused("the content", err)
	}
	return doubtError{clean("wait for the answer to the content: in doubt: the message may have gone out", err)}
}

// refused gives the verdict on a server's answer: 5xx is permanent, all else is worth another attempt.
func refused(step string, err error) error {
	answer := (*textproto.Error)(nil)
	if errors.As(err, &answer) && answer.Code >= 500 {
		return consumer.Permanent(clean(step, err))
	}
	return clean(step, err)
}

// enhanced is an enhanced status code: RFC 3463.
var enhanced = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`)

// clean keeps of a server's answer its codes alone: the text likes to repeat the address.
func clean(step string, err error) error {
	answer := (*textproto.Error)(nil)
	if errors.As(err, &answer) {
		return fmt.Errorf("smtp: %s: the server answered %s", step, strings.TrimSpace(fmt.Sprint(answer.Code, " ", enhanced.FindString(answer.Msg))))
	}
	return fmt.Errorf("smtp: %s: %w", step, err)
}
