package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// What "forebay send" sends makes the three jobs do their work: a mail with a code that is right once, keys that are gone,
// and rows as the events say.
func TestJobs(t *testing.T) {
	mail, cache, database := consumertest.StartSMTP(t, consumertest.SMTPOptions{}), consumertest.StartRedis(t), consumertest.StartPostgres(t)
	verify := "127.0.0.1:" + freePort()
	d := newDaemon(t, forebayYAML+"  acme: {provider: asgardeo, secrets: [invented-secret-of-acme]}\nconsumers:\n"+
		"  otp: {actions: [otp.requested], max_age: 10m, run: otp, otp: "+otpYAML(mail, verify)+"}\n"+
		"  cache: {actions: [token.revoked, cache.reset], run: cache, cache: {url: \""+cache.URL()+"\"}}\n"+
		"  usersync: {actions: [\"user.*\"], ordered_by: user, run: usersync, usersync: "+usersyncYAML(database)+"}\n")
	d.run(t)
	t.Run("otp", func(t *testing.T) { wantCode(t, d, mail, verify) })
	t.Run("cache", func(t *testing.T) { wantKeysGone(t, d, cache) })
	t.Run("usersync", func(t *testing.T) { wantRows(t, d, database) })
	if dead := d.forebay(t, "dead", "list"); dead != "" {
		t.Errorf("dead letters: %s", dead)
	}
	check(t, d.stop())
}

func otpYAML(mail *consumertest.SMTP, verify string) string {
	return fmt.Sprintf("{key: 0123456789abcdef0123456789abcdef, smtp: {host: localhost, port: %d, ca: %q, user: %q, password: %q, "+
		"from: no-reply@example.com, timeout: 5s}, verify: {listen: %q, tokens: [%q]}}",
		mail.Port, mail.CA, consumertest.SMTPUser, consumertest.SMTPPassword, verify, verifyToken)
}

const verifyToken = "an invented token of the tests"

func usersyncYAML(p *consumertest.Postgres) string {
	return fmt.Sprintf("{url: %q, connections: 4, argon2id: {memory: 64, passes: 1}}", p.URL())
}

func wantCode(t *testing.T, d *daemon, mail *consumertest.SMTP, verify string) {
	d.forebay(t, "send", "ssofy", "otp_requested")
	check(t, poll(func() error { return wantCount(mail.Mails(), 1) }))
	user := strings.TrimSuffix(strings.TrimPrefix(mail.Mails()[0].To, "ada."), "@example.com")
	option, code := "authentication-email-"+user, mail.Mails()[0].Code(t)
	other := strings.Map(func(r rune) rune { return '0' + (r-'0'+1)%10 }, code)
	for _, try := range []struct{ option, code, want string }{
		{option, other, `{"valid":false}`},
		{"authentication-email-nobody", code, `{"valid":false}`},
		{option, code, `{"valid":true}`},
		{option, code, `{"valid":false}`},
	} {
		if got := ask(t, verify, try.option, try.code); got != try.want {
			t.Errorf("%s is answered %s, want %s", try.option, got, try.want)
		}
	}
	check(t, wantCount(mail.Mails(), 1))
}

func ask(t *testing.T, verify, option, code string) string {
	t.Helper()
	body, err := json.Marshal(map[string]string{"id": option, "code": code})
	check(t, err)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+verify+"/otp/verify", bytes.NewReader(body))
	check(t, err)
	r.Header.Set("Authorization", "Bearer "+verifyToken)
	response, err := http.DefaultClient.Do(r)
	check(t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(t, err)
	return string(text)
}

func wantCount[T any](all []T, want int) error {
	if len(all) != want {
		return fmt.Errorf("there are %d, want %d", len(all), want)
	}
	return nil
}

// wantKeysGone sends a delivery that send makes, but looks into it before: the token is a new one every time.
func wantKeysGone(t *testing.T, d *daemon, server *consumertest.Redis) {
	const prefix = "request:v1/authenticated/"
	redis := server.Client()
	target := d.target(t, "ssofy")
	revoked, err := target.make("token_deleted")
	check(t, err)
	var body struct{ Payload struct{ Token string } }
	check(t, json.Unmarshal(revoked.request.Body, &body))
	token := body.Payload.Token
	for _, key := range []string{prefix + "verify:" + token, prefix + "user:" + token, prefix + "verify:another", "mine"} {
		check(t, redis.Set(t.Context(), key, "cached", 0).Err())
	}
	wantKeys := func(want string) {
		t.Helper()
		check(t, poll(func() error {
			keys, err := redis.Keys(t.Context(), "*").Result()
			if got := strings.Join(keys, " "); err != nil || len(keys) != len(strings.Fields(want)) || !sameWords(got, want) {
				return fmt.Errorf("keys are %s, want %s: %w", got, want, err)
			}
			return nil
		}))
	}
	if a := target.post(t.Context(), revoked); !a.success() {
		t.Fatalf("answer: %+v", a)
	}
	wantKeys("mine " + prefix + "verify:another")
	d.forebay(t, "send", "ssofy", "safety_reset")
	wantKeys("mine")
}

func sameWords(a, b string) bool {
	for _, word := range strings.Fields(a) {
		if !strings.Contains(" "+b+" ", " "+word+" ") {
			return false
		}
	}
	return true
}

// wantRows compares the table with what the stream says of each event.
func wantRows(t *testing.T, d *daemon, p *consumertest.Postgres) {
	for _, native := range []string{"ssofy user_created", "ssofy user_updated", "mgpass user.deleted", "acme userProfileUpdated"} {
		d.forebay(t, append([]string{"send"}, strings.Fields(native)...)...)
	}
	d.settled(t, "usersync")
	events := rows[struct{ Event schema.Event }](t, d.forebay(t, "replay", "--action", "user.*"))
	check(t, wantCount(events, 4))
	app := connectTo(t, p)
	for _, e := range events {
		e := e.Event
		want := []string{e.User.ID, text(e.User.PreferredUsername), text(e.User.Email), text(e.User.Nickname), string(e.Action), "active"}
		if e.Action == "user.deleted" {
			want[5] = "deleted"
		}
		got := make([]string, len(want))
		err := app.QueryRow(t.Context(), `SELECT coalesce(id, ''), coalesce(preferred_username, ''), coalesce(email, ''),
			coalesce(nickname, ''), event_action, status FROM forebay.users WHERE source = $1 AND event_id = $2`, e.Source, e.ID).
			Scan(&got[0], &got[1], &got[2], &got[3], &got[4], &got[5])
		if err != nil || strings.Join(got, ",") != strings.Join(want, ",") {
			t.Errorf("%s: the row is %q, want %q: %v", e.Native, got, want, err)
		}
	}
	var users, hashes, sealed int
	check(t, app.QueryRow(t.Context(), `SELECT count(*), count(*) FILTER (WHERE password_hash LIKE '$argon2id$%'),
		count(*) FILTER (WHERE raw::text LIKE '%"sealed"%') FROM forebay.users`).Scan(&users, &hashes, &sealed))
	if users != 4 || hashes != 1 || sealed != 1 {
		t.Errorf("%d users, %d with a password, %d with one sealed in raw; want 4, 1, 1", users, hashes, sealed)
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// connectTo is an application that reads the table.
func connectTo(t *testing.T, p *consumertest.Postgres) *pgx.Conn {
	t.Helper()
	app, err := pgx.Connect(t.Context(), p.URL())
	check(t, err)
	t.Cleanup(func() { _ = app.Close(context.Background()) })
	return app
}

// A job that cannot run leaves its events waiting, is named by /readyz, and goes on once it can.
func TestStoppedConsumer(t *testing.T) {
	mail := consumertest.StartSMTP(t, consumertest.SMTPOptions{})
	taken, err := net.Listen("tcp", "127.0.0.1:"+freePort())
	check(t, err)
	defer taken.Close()
	d := newDaemon(t, forebayYAML+"consumers:\n  otp: {run: otp, actions: [otp.requested], otp: "+otpYAML(mail, taken.Addr().String())+"}\n")
	d.run(t)
	readyz := func(want string) {
		t.Helper()
		check(t, poll(func() error {
			code, body := httpGet(t, "http://"+d.admin+"/readyz")
			if code != http.StatusOK {
				return fmt.Errorf("/readyz answers %d %s", code, body)
			}
			return matches(body, want)
		}))
	}
	readyz(`"consumer otp stopped: job otp: .*verify.listen`)
	check(t, poll(func() error {
		return matches(d.forebay(t, "consumers", "--json"), `"consumer":"otp",.*"last_error":"stopped: job otp: .*verify.listen.*"last_failure"`)
	}))
	d.forebay(t, "send", "ssofy", "otp_requested")
	check(t, taken.Close())
	readyz(`^\{"ok":true\}$`)
	check(t, poll(func() error { return wantCount(mail.Mails(), 1) }))
	check(t, d.stop())
}

// forebay calls a command with the daemon's configuration, which must work, and gives its output.
func (d *daemon) forebay(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := call(t, append([]string{"--config", d.config()}, args...)...)
	if code != 0 {
		t.Fatalf("%q: exit code %d: %s%s", args, code, stdout, stderr)
	}
	return stdout
}

// rows are what a command printed as JSON.
func rows[T any](t *testing.T, text string) (all []T) {
	t.Helper()
	for in := json.NewDecoder(strings.NewReader(text)); in.More(); {
		var row T
		check(t, in.Decode(&row))
		all = append(all, row)
	}
	return all
}

// status is how a consumer is doing.
func (d *daemon) status(t *testing.T, name string) (consumerRow, error) {
	t.Helper()
	for _, row := range rows[consumerRow](t, d.forebay(t, "consumers", "--json")) {
		if row.Consumer == name {
			return row, nil
		}
	}
	return consumerRow{}, fmt.Errorf("no consumer %s yet", name)
}

// settled waits until the stream has all that was accepted and a consumer has nothing left.
func (d *daemon) settled(t *testing.T, name string) {
	t.Helper()
	nc, err := nats.Connect(d.nats)
	check(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	check(t, err)
	check(t, consumertest.Poll(2*deadline, func() error {
		if depth := d.metric(t, `forebay_journal_events`); depth > 0 {
			return fmt.Errorf("%v events are in the journal", depth)
		}
		left, err := consumertest.Left(t.Context(), js, "IDENTITY", name)
		if err == nil && left > 0 {
			err = fmt.Errorf("%s has not done with %d events", name, left)
		}
		return err
	}))
}

// metric is the sum of the series of a metric whose name and labels begin so.
func (d *daemon) metric(t *testing.T, prefix string) (sum float64) {
	t.Helper()
	_, body := httpGet(t, "http://"+d.admin+"/metrics")
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, prefix) {
			var value float64
			_, err := fmt.Sscan(line[strings.LastIndexByte(line, ' ')+1:], &value)
			check(t, err)
			sum += value
		}
	}
	return sum
}
