package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer/consumertest"
)

// While the SMTP server is down people keep asking for codes. Afterwards those that are still young arrive, and the others
// are dead letters, expired: each is one or the other, and none arrives twice.
func TestSMTPOutage(t *testing.T) {
	outage := setting(t, "FOREBAY_SMTP_OUTAGE", 4*time.Second, time.ParseDuration)
	maxAge := outage / 2
	mail := consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	d := newDaemon(t, forebayYAML+fmt.Sprintf("consumers:\n  otp: {actions: [otp.requested], retry: [500ms], max_attempts: 1000, "+
		"max_age: %s, run: otp, otp: %s}\n", maxAge, otpYAML(mail, "127.0.0.1:"+freePort())))
	d.run(t)
	people := startPeople(t, d.target(t, "ssofy"))
	arrived := func(more int) {
		from := len(mail.Mails())
		check(t, poll(func() error {
			if n := len(mail.Mails()) - from; n < more {
				return fmt.Errorf("%d more mails arrived: %w", n, people.problem())
			}
			return nil
		}))
	}
	arrived(10)
	mail.Stop()
	down := time.Now()
	<-time.After(outage) // how long is the point
	mail.Start()
	up := time.Now()
	arrived(10)
	asked := people.finish()
	d.settled(t, "otp")
	check(t, poll(func() error {
		if n := len(rows[deadRow](t, d.forebay(t, "dead", "list", "--json"))) + len(mail.Mails()); n < len(asked) {
			return fmt.Errorf("%d mails and dead letters, want %d", n, len(asked))
		}
		return nil
	}))
	wantMailOrExpired(t, d, mail, asked, maxAge, [2]time.Time{down, up})
	check(t, d.stop())
}

// wantMailOrExpired accounts for every code that was asked for.
func wantMailOrExpired(
	t *testing.T, d *daemon, mail *consumertest.SMTP, asked map[string]time.Time, maxAge time.Duration, outage [2]time.Time,
) {
	t.Helper()
	got := map[string]int{}
	late := 0 // asked for during the outage, and arrived
	for _, m := range mail.Mails() {
		at, known := asked[m.To]
		if got[m.To]++; !known || got[m.To] > 1 {
			t.Errorf("a mail too many to %s", m.To)
		}
		if at.After(outage[0]) && at.Before(outage[1]) {
			late++
		}
		if age := m.At.Sub(at); age > maxAge+10*time.Second { // what one attempt may take on a slow machine
			t.Errorf("a code of %s ago arrived, max_age is %s", age, maxAge)
		}
	}
	expired, doubtful := 0, 0
	for _, dead := range rows[deadRow](t, d.forebay(t, "dead", "list", "--json")) {
		to := "ada." + dead.UserID + "@example.com"
		switch {
		case strings.Contains(dead.Reason, "in doubt"): // under way when the server broke off: docs/otp.md
			doubtful++
		case dead.Reason != "expired":
			t.Errorf("%s is dead: %s", dead.EventID, dead.Reason)
		case dead.Time.Sub(asked[to]) < maxAge:
			t.Errorf("%s expired after %s", dead.EventID, dead.Time.Sub(asked[to]))
		case got[to] > 0:
			t.Errorf("%s expired, and its mail arrived", dead.EventID)
		default:
			expired++
		}
		got[to]++
	}
	for to := range asked {
		if got[to] == 0 {
			t.Errorf("nothing became of the code for %s", to)
		}
	}
	t.Logf("down for %s: %d codes asked for, %d mails, %d of them for codes asked for meanwhile, %d expired, %d in doubt",
		outage[1].Sub(outage[0]).Round(time.Millisecond), len(asked), len(mail.Mails()), late, expired, doubtful)
	if late == 0 || expired == 0 {
		t.Errorf("%d arrived late and %d expired, want some of each", late, expired)
	}
}

// People ask for codes at a steady pace.
type people struct {
	target *target
	cancel context.CancelFunc
	done   chan struct{}

	mu    sync.Mutex
	asked map[string]time.Time // by address, when
	last  error
}

func startPeople(t *testing.T, target *target) *people {
	ctx, cancel := context.WithCancel(t.Context())
	p := &people{target: target, cancel: cancel, done: make(chan struct{}), asked: map[string]time.Time{}}
	go func() {
		defer close(p.done)
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			p.ask(context.WithoutCancel(ctx))
			select {
			case <-tick.C:
			case <-ctx.Done():
			}
		}
	}()
	return p
}

func (p *people) ask(ctx context.Context) {
	made, err := p.target.make("otp_requested")
	var body struct {
		Payload struct{ Option struct{ To string } }
	}
	if err == nil {
		err = json.Unmarshal(made.request.Body, &body)
	}
	at := time.Now()
	if err == nil {
		if a := p.target.post(ctx, made); !a.success() {
			err = fmt.Errorf("answer: %+v", a)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil {
		p.last = err
		return
	}
	p.asked[body.Payload.Option.To] = at
}

func (p *people) problem() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// finish gives what was asked for.
func (p *people) finish() map[string]time.Time {
	p.cancel()
	<-p.done
	return p.asked
}
