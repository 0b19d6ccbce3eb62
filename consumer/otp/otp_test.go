package otp

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The whole travel: an event in the stream, a mail over STARTTLS after a login, and a code that is right once.
func TestTravel(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	listen := freeAddress(t)
	w.run(w.job(Options{
		Name: "Example", SMTP: smtpOptions(p), Verify: Verify{Listen: listen, Tokens: []string{"another token of the tests", testToken}},
	}))
	listening(t, listen)
	w.publish(event("one"))

	mail := mails(t, p, 1)[0]
	if mail.From != "no-reply@example.com" || mail.To != "ada@example.com" || mail.User != "forebay" {
		t.Errorf("from %s to %s, logged in as %q", mail.From, mail.To, mail.User)
	}
	if got := mail.Subject(t); got != "Your code for Example" {
		t.Errorf("subject %q", got)
	}
	h := mail.Header(t)
	if id := h.Get("Message-ID"); id != "<"+digest("otp", "ssofy", "one")[:32]+"@example.com>" {
		t.Errorf("Message-ID %s", id)
	}
	if h.Get("Auto-Submitted") != "auto-generated" || h.Get("From") != `"Example" <no-reply@example.com>` {
		t.Errorf("header %v", h)
	}
	code := mail.Code(t)
	for _, c := range []struct{ body, want string }{
		{fmt.Sprintf(`{"id":"authentication-email-42","code":%q,"user":"43"}`, code), `{"valid":false}`},
		{fmt.Sprintf(`{"id":"authentication-email-42","code":%q,"source":"acme"}`, code), `{"valid":false}`},
		{`{"id":"authentication-email-42","code":"no"}`, `{"valid":false}`},
		{`{"id":"of nobody","code":"no"}`, `{"valid":false}`},
		{fmt.Sprintf(`{"id":"authentication-email-42","code":%q,"user":"42"}`, code), `{"valid":true}`},
		{fmt.Sprintf(`{"id":"authentication-email-42","code":%q,"user":"42"}`, code), `{"valid":false}`},
	} {
		if status, got := askFor(t, listen, testToken, c.body); status != 200 || got != c.want {
			t.Errorf("%s: %d %s, want %s", strings.ReplaceAll(c.body, code, "CODE"), status, got, c.want)
		}
	}

	w.publish(event("two"))
	old := mails(t, p, 2)[1].Code(t)
	w.publish(event("three"))
	fresh := mails(t, p, 3)[2].Code(t)
	body := `{"id":"authentication-email-42","code":%q}`
	if _, got := askFor(t, listen, testToken, fmt.Sprintf(body, old)); got != `{"valid":false}` && old != fresh {
		t.Errorf("the replaced code: %s", got)
	}
	if _, got := askFor(t, listen, testToken, fmt.Sprintf(body, fresh)); got != `{"valid":true}` {
		t.Errorf("the new code: %s", got)
	}
	for _, secret := range []string{code, old, fresh, "ada@example.com"} {
		if strings.Contains(w.log.String(), secret) || strings.Contains(w.buckets(), secret) {
			t.Errorf("%s is in the log or in a bucket:\n%s\n%s", secret, w.log.String(), w.buckets())
		}
	}
}

// The acknowledgement gets lost, also with the process: the next attempt knows that the message is out.
func TestAckLost(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	var attempts atomic.Int32
	drop := func(next consumer.Handler) consumer.Handler {
		return func(ctx context.Context, m *consumer.Message) error {
			if err := next(ctx, m); err != nil {
				t.Errorf("attempt %d: %v", m.Attempt, err)
			}
			if attempts.Add(1) < 3 {
				return errors.New("the answer is lost")
			}
			return nil
		}
	}
	stop := w.run(w.job(Options{SMTP: smtpOptions(p)}), drop)
	w.publish(event("one"))
	consumertest.Eventually(t, "an attempt", func() bool { return attempts.Load() >= 1 })
	stop()
	w.run(w.job(Options{SMTP: smtpOptions(p)}), drop)
	consumertest.Eventually(t, "the last attempt", func() bool { return attempts.Load() >= 3 })
	if got := len(p.Mails()); got != 1 {
		t.Errorf("%d mails for one event", got)
	}
}

// The server is away for a while, then it refuses for a while, then it takes what waits: one message for each event.
func TestServerDown(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	p.Stop()
	var failed atomic.Int32
	w.run(w.job(Options{SMTP: smtpOptions(p)}), func(next consumer.Handler) consumer.Handler {
		return func(ctx context.Context, m *consumer.Message) error {
			err := next(ctx, m)
			if err != nil {
				failed.Add(1)
			}
			return err
		}
	})
	for i := range 3 {
		w.publish(event(fmt.Sprint("event ", i)))
	}
	consumertest.Eventually(t, "attempts that fail", func() bool { return failed.Load() >= 4 })
	p.Set(consumertest.SMTPOptions{Data: &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "ada@example.com: later"}})
	p.Start()
	n := failed.Load()
	consumertest.Eventually(t, "attempts that are refused", func() bool { return failed.Load() >= n+4 })
	p.Set(consumertest.SMTPOptions{})
	seen := map[string]bool{}
	for _, m := range mails(t, p, 3) {
		seen[m.Header(t).Get("Message-ID")] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different messages, want 3", len(seen))
	}
	if log := w.log.String(); strings.Contains(log, "ada@example.com") {
		t.Errorf("the address is in the log:\n%s", log)
	}
}

// The connection breaks in place of the answer to the content: nobody knows, so it is not sent again, until an operator
// says so.
func TestInDoubt(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{Vanish: true})
	consumertest.Collect(t, &consumer.DeadLetters{JS: w.server.JetStream(t), Stream: w.stream})
	j := w.job(Options{SMTP: smtpOptions(p)})
	w.run(j)
	w.publish(event("one"))
	var dead []consumer.Dead
	consumertest.Eventually(t, "a dead letter", func() bool {
		dead = consumertest.Dead(t, w.js, w.stream, consumer.DeadFilter{})
		return len(dead) > 0
	})
	if !strings.Contains(dead[0].Reason, "in doubt") || dead[0].Attempts != 1 {
		t.Errorf("a dead letter %+v", dead[0])
	}
	first := mails(t, p, 1)[0]

	p.Set(consumertest.SMTPOptions{})
	w.clock.advance(j.window + time.Second)
	done, err := consumer.Redrive{JS: w.js, Stream: w.stream}.Run(t.Context())
	if err != nil || done.Given != 1 {
		t.Fatalf("redriven %+v, %v", done, err)
	}
	second := mails(t, p, 2)[1]
	if a, b := first.Header(t).Get("Message-ID"), second.Header(t).Get("Message-ID"); a != b {
		t.Errorf("Message-ID %s and %s of one event", a, b)
	}
}

// A process that died while it sent leaves its claim behind. Another attempt first waits, since the first may be alive.
func TestDiedWhileSending(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	j, m := w.job(Options{SMTP: smtpOptions(p)}), message(t, event("one"))
	c, err := j.claims.of(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.take(t.Context()); err != nil {
		t.Fatal(err)
	}

	if err := j.Handle(t.Context(), m); !errors.Is(err, errBusy) {
		t.Errorf("at once: %v", err)
	}
	w.clock.advance(j.window + time.Second)
	if err := j.Handle(t.Context(), m); !errors.As(err, new(doubtError)) || errors.Is(err, errBusy) {
		t.Errorf("after the window: %v", err)
	}
	if len(p.Mails()) != 0 {
		t.Error("it was sent again")
	}
	redriven := *m
	redriven.Seq, redriven.ReplayOf = 9, 1
	if err := j.Handle(t.Context(), &redriven); err != nil {
		t.Errorf("redriven: %v", err)
	}
	if err := j.Handle(t.Context(), &redriven); err != nil || len(p.Mails()) != 1 {
		t.Errorf("redriven twice: %v, %d mails", err, len(p.Mails()))
	}
}

// Redriving is one decision: a copy that ends in doubt itself is not sent again without another.
func TestRedrivenInDoubt(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{Vanish: true})
	j, m := w.job(Options{SMTP: smtpOptions(p)}), message(t, event("one"))
	for seq := range 3 {
		m.Seq = uint64(seq + 1) //nolint:gosec // at most 3
		if seq > 0 {
			m.ReplayOf = 1
		}
		for range 2 {
			if err := j.Handle(t.Context(), m); !errors.As(err, new(doubtError)) {
				t.Errorf("copy %d: %v", seq, err)
			}
			w.clock.advance(j.window + time.Second)
		}
	}
	if got := len(p.Mails()); got != 3 {
		t.Errorf("%d mails for three decisions", got)
	}
}

// Of two attempts at one event at the same time one sends.
func TestTwoAttemptsAtOnce(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	const attempts = 8
	done := make(chan error, attempts)
	for range attempts {
		j := w.job(Options{SMTP: smtpOptions(p)})
		go func() { done <- j.Handle(context.Background(), message(t, event("one"))) }()
	}
	for range attempts {
		if err := <-done; err != nil && strings.Contains(err.Error(), "ada@") {
			t.Errorf("the address is in the error: %v", err)
		}
	}
	if got := len(p.Mails()); got != 1 {
		t.Fatalf("%d mails", got)
	}
	j := w.job(Options{SMTP: smtpOptions(p)})
	right, err := j.codes.check(t.Context(), guess{source: "ssofy", option: "authentication-email-42", code: p.Mails()[0].Code(t)})
	if err != nil || !right {
		t.Errorf("the code that was sent is not the one that is kept: %t, %v", right, err)
	}
}

func TestSMTPAnswers(t *testing.T) {
	type post = consumertest.SMTPOptions
	refusal := func(code int) error {
		return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 1, 1}, Message: "<ada@example.com> no"}
	}
	for name, c := range map[string]struct {
		post post
		want string // the error ends so
		dead bool
	}{
		"sender, later":      {post{Mail: refusal(451)}, "MAIL FROM: the server answered 451 4.1.1", false},
		"sender, never":      {post{Mail: refusal(550)}, "MAIL FROM: the server answered 550 5.1.1", true},
		"recipient, later":   {post{Rcpt: refusal(450)}, "RCPT TO: the server answered 450 4.1.1", false},
		"recipient, never":   {post{Rcpt: refusal(550)}, "RCPT TO: the server answered 550 5.1.1", true},
		"content, later":     {post{Data: refusal(452)}, "the content: the server answered 452 4.1.1", false},
		"content, never":     {post{Data: refusal(554)}, "the content: the server answered 554 5.1.1", true},
		"taken":              {post{}, "", false},
		"taken, implicit":    {post{Implicit: true}, "", false},
		"no STARTTLS":        {post{Plain: true}, "does not support STARTTLS", false},
		"lost in the answer": {post{Vanish: true}, "EOF", true},
	} {
		t.Run(name, func(t *testing.T) {
			w, p := newWorld(t), consumertest.StartSMTP(t, c.post)
			o := smtpOptions(p)
			if c.post.Implicit {
				o.TLS = tlsImplicit
			}
			j := w.job(Options{SMTP: o})
			err := j.Handle(t.Context(), message(t, event("one")))
			if c.want == "" {
				if err != nil || len(p.Mails()) != 1 {
					t.Errorf("%d mails, %v", len(p.Mails()), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "ada@") {
				t.Errorf("got %v, want %s", err, c.want)
			}
			if got := isPermanent(err); got != c.dead {
				t.Errorf("permanent %t, want %t", got, c.dead)
			}
			if strings.HasPrefix(name, "lost") {
				return
			}
			p.Set(consumertest.SMTPOptions{Implicit: c.post.Implicit, Plain: c.post.Plain})
			if err := j.Handle(t.Context(), message(t, event("one"))); err != nil && !c.post.Plain {
				t.Errorf("after a refusal the next attempt fails: %v", err)
			}
		})
	}
}

func TestLoginRefusedIsWorthAnotherAttempt(t *testing.T) {
	w, p := newWorld(t), consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	o := smtpOptions(p)
	o.Password = "wrong"
	err := w.job(Options{SMTP: o}).Handle(t.Context(), message(t, event("one")))
	if err == nil || isPermanent(err) || !strings.Contains(err.Error(), "535") {
		t.Errorf("got %v", err)
	}
}

// isPermanent reports whether a consumer takes err as permanent, which it tells by its type.
func isPermanent(err error) bool {
	want := fmt.Sprintf("%T", consumer.Permanent(errors.New("")))
	for ; err != nil; err = errors.Unwrap(err) {
		if fmt.Sprintf("%T", err) == want {
			return true
		}
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				if isPermanent(e) {
					return true
				}
			}
		}
	}
	return false
}
