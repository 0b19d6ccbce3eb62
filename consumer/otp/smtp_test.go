package otp

import (
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// smtpOptions is the job's way to a server.
func smtpOptions(p *consumertest.SMTP) SMTP {
	return SMTP{
		Host: "localhost", Port: p.Port, CA: Path(p.CA), User: consumertest.SMTPUser, Password: consumertest.SMTPPassword,
		From: "Example <no-reply@example.com>", Timeout: 5 * time.Second,
	}
}

// mails gives the mails once there are n, and no more.
func mails(t *testing.T, p *consumertest.SMTP, n int) []consumertest.Mail {
	t.Helper()
	consumertest.Eventually(t, "mails", func() bool { return len(p.Mails()) >= n })
	if got := p.Mails(); len(got) > n {
		t.Fatalf("%d mails, want %d", len(got), n)
	}
	return p.Mails()
}
