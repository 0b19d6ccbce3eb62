package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
)

// As documented max_age is the lifetime of the action. The mail server stays away for longer: every code is a dead letter,
// expired, with its event, also where an attempt would be due in the instant at which the stream forgets the code.
func TestCodesThatOutliveAnOutage(t *testing.T) {
	const codes, life = 5, "6s"
	mail := consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	mail.Stop()
	yaml := forebayYAML + "stream: {lifetimes: {otp.requested: " + life + "}}\nconsumers:\n"
	schedules := map[string]string{"a": "[1s]", "b": "[1s, 2s, 5s]", "c": "[1s, 2s, 3s]", "d": "[6s]"}
	for name, retry := range schedules {
		yaml += fmt.Sprintf("  %s: {actions: [otp.requested], retry: %s, max_attempts: 45, max_age: %s, run: otp, otp: %s}\n",
			name, retry, life, otpYAML(mail, "127.0.0.1:"+freePort()))
	}
	d := newDaemon(t, yaml)
	d.run(t)
	d.forebay(t, "send", "-n", fmt.Sprint(codes), "ssofy", "otp_requested")
	var all []deadRow
	check(t, poll(func() error {
		if all = rows[deadRow](t, d.forebay(t, "dead", "list", "--json")); len(all) < codes*len(schedules) {
			return fmt.Errorf("%d dead letters, want %d", len(all), codes*len(schedules))
		}
		return nil
	}))
	for _, row := range all {
		if row.Reason != "expired" || row.Action != "otp.requested" || row.EventID == "" || row.UserID == "" {
			t.Errorf("%s: %+v", row.Consumer, row)
		}
	}
	check(t, d.stop())
}

// What we ship and document tries for as long as a code is young: else codes end before the mail server is back.
func TestDocumentedSchedulesLastForMaxAge(t *testing.T) {
	_, manual, _ := strings.Cut(readFile(t, "../../docs/otp.md"), "```yaml\n")
	manual, _, _ = strings.Cut(manual, "```")
	compose := strings.ReplaceAll(readFile(t, "../../deploy/compose/jobs.yaml"), "{recipient: /etc/forebay/seal.pub.jwk}", "off")
	for name, text := range map[string]string{"otp.md": "sources: {}\n" + manual, "jobs.yaml": compose} {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(path, config.Options{Getenv: func(string) string { return "x" }, Jobs: jobNames()})
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		for _, each := range c.Consumers {
			if each.MaxAge > 0 {
				seen = true
				if got := span(each.Config()); got < each.MaxAge {
					t.Errorf("%s: attempts for %s, max_age is %s", each.Where, got, each.MaxAge)
				}
			}
		}
		if !seen {
			t.Errorf("%s: no max_age", path)
		}
	}
}

// span is how long after the first attempt the last one comes.
func span(c consumer.Config) (d time.Duration) {
	for n := range c.MaxAttempts - 1 {
		d += c.Retry[min(n, len(c.Retry)-1)]
	}
	return d
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
