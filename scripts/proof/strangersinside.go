package main

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// What hostile deliveries hold that must never be found again, and what must be: a search that finds nothing proves
// nothing.
const (
	sealedCanary  = "canary-that-must-be-sealed-4711"
	refusedCanary = "canary-of-a-refused-delivery-4711"
	visibleCanary = "canary.that.is.visible@example.com"
)

// inside is what a provider's own deliveries can do, rightly signed, when users choose what is in them: no header and no
// subject but ours, no 5xx, and no secret on the disk.
func (c strangersCommand) inside(ctx context.Context, t *trial, sum *tally) error {
	if err := t.start(ctx); err != nil {
		return err
	}
	s := t.newSender(t.prover.dice(t.round, 2000))
	defer s.client.CloseIdleConnections()
	part := &tally{Rounds: 1}
	for what, body := range hostileBodies() {
		for _, d := range hostileDeliveries(body) {
			request, err := d.request(t.daemon.webhooks)
			if err != nil {
				return err
			}
			began := time.Now()
			status := attempt(ctx, s.client, request)
			if !succeeded(status) {
				part.violate("rightly signed, and answered %d: %s from %s", status, what, d.source.name)
			}
			if took := time.Since(began); took > 5*time.Second {
				part.violate("%s took %s", what, took.Round(time.Second))
			}
		}
	}
	if err := sendCanaries(ctx, t, s, part); err != nil {
		return err
	}
	if err := inspect(ctx, t, part); err != nil {
		return err
	}
	searchSecrets(ctx, t, []string{sealedCanary, refusedCanary}, part)
	if found := find(t.dir, []string{visibleCanary}); len(found) == 0 {
		part.violate("the search finds nothing that is there")
	}
	if size, err := t.daemon.resident(); err == nil && size > 1<<30 {
		part.violate("%d MB of memory after hostile deliveries", size>>20)
	}
	if line := t.daemon.panicked(); line != "" {
		part.violate("forebay wrote %q", line)
	}
	sum.add(part)
	return t.daemon.stop()
}

// hostileBodies are JSON, or nearly, by what is wrong with them. %s stands for hostile text where there is a place for it.
func hostileBodies() map[string]string {
	event := func(id, kind, rest string) string {
		return `{"id":"` + id + `","type":"` + kind + `","created_at":1,"time":"2026-03-01T12:00:00Z","data":{` + rest + `}}`
	}
	bodies := map[string]string{
		"no JSON":                 "\x00\xff{",
		"nothing":                 " ",
		"null":                    "null",
		"a list":                  "[]",
		"depth":                   event("depth", "a", `"a":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000)),
		"depth of objects":        event("deep", "a", `"a":`+strings.Repeat(`{"a":`, 100_000)+"1"+strings.Repeat("}", 100_000)),
		"depth without an end":    strings.Repeat("[", 500_000),
		"width":                   event("width", "a", `"a":[`+strings.Repeat("1,", 300_000)+"1]"),
		"many names":              event("names", "a", manyNames(40_000)),
		"names twice":             event("twice", "a", `"user_id":"1","user_id":"2","user_id":"3"`),
		"IDs twice":               `{"id":"one","id":"two","type":"a","type":"b","data":{}}`,
		"a number of 1e999":       event("number", "a", `"a":1e999,"b":-0,"c":1E-999`),
		"a number of many digits": event("digits", "a", `"a":`+strings.Repeat("9", 200_000)),
		"a huge exponent":         event("exponent", "a", `"created_at":1e9999999999`),
		"invalid UTF-8":           event("utf8", "a\xff\xfe", "\"a\":\"\xc0\xaf\xed\xa0\x80\""),
		"lone surrogates":         event("surrogate", `a\ud800`, `"a":"\udfff\ud800","\ud800":1`),
		"a NUL":                   event(`nul\u0000`, `a\u0000b`, `"user_id":"\u0000"`),
		"a long type":             event("long", strings.Repeat("a", 50_000), ``),
		"a long ID":               event(strings.Repeat("i", 50_000), "a", ``),
	}
	for n, text := range []string{
		`x\r\nNats-Rollup: all`, `x\r\nInjected: yes\r\n\r\nbody`, `identity.*.>`, `a.b.c.d`, `>`, `*`, ` `, `$JS.API.STREAM.DELETE.IDENTITY`,
		`../../etc/passwd`, `%0d%0aInjected: yes`, `<script>alert(1)</script>`, `{{.}}`, `\u2028\u2029\u202e`, `' OR 1=1 --`,
	} {
		bodies[fmt.Sprintf("hostile text %d as type", n)] = event(fmt.Sprintf("type-%d", n), text, ``)
		bodies[fmt.Sprintf("hostile text %d as ID and user", n)] = event(text, "user.suspended", `"user_id":"`+text+`","email":"`+text+`"`)
	}
	return bodies
}

func manyNames(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"n%d":1,`, i)
	}
	return b.String() + `"last":1`
}

// hostileDeliveries sign a body with the secrets of two products that sign all of it.
func hostileDeliveries(body string) []*delivery {
	var all []*delivery
	for _, s := range sources() {
		switch s.name {
		case "rewards":
			all = append(all, &delivery{source: s, body: []byte(body)})
		case "crowd":
			all = append(all, &delivery{source: s, body: []byte(`{"events":[` + body + `]}`)})
		}
	}
	return all
}

// sendCanaries sends a password that must be sealed beside an address that need not, and one in a delivery that is
// refused.
func sendCanaries(ctx context.Context, t *trial, s *sender, sum *tally) error {
	for _, c := range []struct {
		password string
		tampered bool
	}{{sealedCanary, false}, {refusedCanary, true}} {
		d := &delivery{source: sources()[0], id: s.maker.hex(32), tampered: c.tampered}
		d.body = encode(object{"action": "user_created", "payload": object{
			"user": object{"username": "ada", "email": visibleCanary, "password": c.password}, "ip": "203.0.113.7",
		}})
		request, err := d.request(t.daemon.webhooks)
		if err != nil {
			return err
		}
		if status := attempt(ctx, s.client, request); succeeded(status) == c.tampered {
			sum.violate("a password is answered %d, tampered with: %v", status, c.tampered)
		}
	}
	return nil
}

var (
	ourSubject = regexp.MustCompile(`^identity\.(ssofy|rewards|crowd)\.[a-z][a-z0-9_]*\.[a-z0-9_]+$`)
	ourHeader  = regexp.MustCompile(`^(ce-[a-z]+|Nats-Msg-Id|Nats-TTL|traceparent)$`)
	ourValue   = regexp.MustCompile(`^[\x21-\x7e]+$`)
)

// inspect reads the stream whole, and looks at every subject and header.
func inspect(ctx context.Context, t *trial, sum *tally) error {
	js, err := connect(t.daemon.nats)
	if err != nil {
		return err
	}
	defer js.Conn().Close()
	messages, err := follow(ctx, js)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		m, err := messages.Next(jetstream.NextMaxWait(2 * time.Second))
		if err != nil {
			break // nothing new for a while: that is all
		}
		sum.InStream++
		if !ourSubject.MatchString(m.Subject()) {
			sum.violate("subject %q", m.Subject())
		}
		for name, values := range m.Headers() {
			if !ourHeader.MatchString(name) || len(values) != 1 || !ourValue.MatchString(values[0]) {
				sum.violate("header %q: %.100q", name, values)
			}
		}
	}
	if sum.InStream < 10 {
		sum.violate("only %d hostile events are in the stream", sum.InStream)
	}
	return ctx.Err()
}

// searchSecrets looks for what must be nowhere: in every file that forebay wrote, and on its pages.
func searchSecrets(ctx context.Context, t *trial, canaries []string, sum *tally) {
	secrets := canaries
	for _, s := range sources() {
		secrets = append(secrets, s.secret)
	}
	for _, hit := range find(t.dir, secrets) {
		sum.violate("a secret is in %s", hit)
	}
	for _, page := range []string{"/metrics", "/readyz", "/healthz", "/debug/pprof/goroutine?debug=2"} {
		status, text, err := get(ctx, t.daemon.admin+page)
		if err != nil || status != http.StatusOK {
			sum.violate("%s: %d, %v", page, status, err)
		}
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				sum.violate("a secret is on %s", page)
			}
		}
	}
}
