package otp

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/consumer/consumertest"
	"github.com/forebayhq/forebay/schema"
)

// A twilio answers like Twilio's API: form, basic authentication, 201 with JSON.
type twilio struct {
	*httptest.Server
	mu    sync.Mutex
	calls []url.Values
	paths []string
}

func newTwilio(t *testing.T) *twilio {
	s := &twilio{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		if user != "AC00" || password != "opens nothing" || r.Method != http.MethodPost || r.ParseForm() != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.calls, s.paths = append(s.calls, r.PostForm), append(s.paths, r.URL.Path)
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, `{"sid": "SM00", "status": "queued"}`)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *twilio) gateway(resource string) Gateway {
	return Gateway{
		Kind: "twilio", URL: s.URL + "/2010-04-01/Accounts/{{urlquery .Account}}/" + resource, Account: "AC00",
		Password: "opens nothing", From: "+15005550006", Timeout: 5 * time.Second,
	}
}

func calling(channel string) schema.Event {
	e := event("one")
	e.OTP.Channel, e.OTP.To = channel, "+441632960001"
	locale := "de-AT"
	e.User.Locale = &locale
	return e
}

func TestTwilio(t *testing.T) {
	w, s := newWorld(t), newTwilio(t)
	j := w.job(Options{Name: "A & B", Gateways: map[string]Gateway{"sms": s.gateway("Messages.json"), "call": s.gateway("Calls.json")}})
	w.run(j)
	w.publish(calling("sms"))
	consumertest.Eventually(t, "an SMS", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.calls) == 1 })
	s.mu.Lock()
	sms := s.calls[0]
	s.mu.Unlock()
	code := regexp.MustCompile(`\b\d{6}\b`).FindString(sms.Get("Body"))
	if sms.Get("To") != "+441632960001" || sms.Get("From") != "+15005550006" ||
		sms.Get("Body") != code+" ist Ihr Code für A & B, gültig 10 Minuten." {
		t.Errorf("%s %v", s.paths[0], sms)
	}
	if right, err := j.codes.check(t.Context(), guess{source: "ssofy", option: "authentication-email-42", code: code}); !right || err != nil {
		t.Errorf("the code: %t, %v", right, err)
	}

	e := calling("call")
	e.ID = "two"
	w.publish(e)
	consumertest.Eventually(t, "a call", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.calls) == 2 })
	s.mu.Lock()
	defer s.mu.Unlock()
	twiml := s.calls[1].Get("Twiml")
	if !strings.HasPrefix(twiml, `<Response><Say language="de-DE">Ihr Code für A &amp; B lautet: `) || strings.Count(twiml, ", ") != 10 {
		t.Errorf("%s %s", s.paths[1], twiml)
	}
	if s.paths[0] != "/2010-04-01/Accounts/AC00/Messages.json" || s.paths[1] != "/2010-04-01/Accounts/AC00/Calls.json" {
		t.Errorf("paths %q", s.paths)
	}
	if log := w.log.String(); strings.Contains(log, "441632960001") || strings.Contains(log, code) {
		t.Errorf("the number or the code is in the log:\n%s", log)
	}
}

func TestTwilioNeedsNoMore(t *testing.T) {
	for channel, want := range map[string]string{
		"sms":  "https://api.twilio.com/2010-04-01/Accounts/AC00/Messages.json",
		"call": "https://api.twilio.com/2010-04-01/Accounts/AC00/Calls.json",
	} {
		g := Gateway{Kind: "twilio", Account: "AC00", Password: "opens nothing", From: "+15005550006"}.complete(channel)
		c, err := newCourier(channel, g)
		if err == nil {
			err = g.check("gateways." + channel)
		}
		if err != nil {
			t.Fatal(err)
		}
		req, err := c.request(t.Context(), &letter{to: "+441632960001", text: "text"})
		if err != nil {
			t.Fatal(err)
		}
		if req.URL.String() != want || req.Header.Get("Content-Type") != "application/x-www-form-urlencoded" {
			t.Errorf("%s %v", req.URL, req.Header)
		}
	}
}

// A gateway of any other shape: method, header and body are templates.
func TestGatewayTemplates(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		got = r
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(server.Close)
	j := newWorld(t).job(Options{Code: "/payload/context/code", Gateways: map[string]Gateway{"sms": {
		URL: server.URL + "/send?to={{urlquery .To}}", Method: "PUT", Body: `{"text": {{json .Text}}, "ttl": {{.Seconds}}}`,
		Headers: map[string]string{"X-Key": "opens {{.Account}}", "Idempotency-Key": "{{.ID}}"}, Account: "nothing",
	}}})
	if err := j.Handle(t.Context(), message(t, calling("sms"))); err != nil {
		t.Fatal(err)
	}
	if got.Method != "PUT" || got.URL.Query().Get("to") != "+441632960001" || got.Header.Get("X-Key") != "opens nothing" ||
		got.Header.Get("Idempotency-Key") != digest("otp", "ssofy", "one")[:32] {
		t.Errorf("%s %s %v", got.Method, got.URL, got.Header)
	}
	if want := `{"text": "A-771 ist Ihr Code, gültig 10 Minuten.", "ttl": 600}`; string(body) != want {
		t.Errorf("got %s, want %s", body, want)
	}
}

func TestGatewayAnswers(t *testing.T) {
	type outcome struct{ permanent, doubt, again bool } // again: the next attempt may send
	for status, want := range map[int]outcome{
		200: {}, 201: {}, 202: {},
		302: {permanent: true, again: true}, 400: {permanent: true, again: true}, 404: {permanent: true, again: true},
		401: {again: true}, 403: {again: true}, 408: {again: true}, 429: {again: true}, 500: {again: true}, 503: {again: true},
		502: {permanent: true, doubt: true}, 504: {permanent: true, doubt: true},
		0: {permanent: true, doubt: true}, // no answer
	} {
		var requests atomic.Int32
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests.Add(1)
			if status == 0 {
				panic(http.ErrAbortHandler)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
		}))
		j := newWorld(t).job(Options{Gateways: map[string]Gateway{"sms": {URL: server.URL + "/{{.To}}", Body: "{{.Code}}"}}})
		err := j.Handle(t.Context(), message(t, calling("sms")))
		if (err == nil) != (want == outcome{}) || isPermanent(err) != want.permanent || errors.As(err, new(doubtError)) != want.doubt {
			t.Errorf("%d: %v, want %+v", status, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "441632960001") {
			t.Errorf("%d: the number is in the error: %v", status, err)
		}
		_ = j.Handle(t.Context(), message(t, calling("sms")))
		if again := requests.Load() == 2; again != want.again {
			t.Errorf("%d: %d requests after two attempts, want again %t", status, requests.Load(), want.again)
		}
		server.Close()
	}
}

// A connection that breaks makes no second message, also where net/http takes the request for one that bears repetition.
func TestGatewayBreaks(t *testing.T) {
	var requests atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		if requests.Add(1) > 1 {
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(server.Close)
	j := newWorld(t).job(Options{Gateways: map[string]Gateway{"sms": {URL: server.URL + "/{{.Code}}", Method: http.MethodGet}}})
	if err := j.Handle(t.Context(), message(t, calling("sms"))); err != nil {
		t.Fatal(err)
	}
	second := calling("sms")
	second.ID = "two"
	if err := j.Handle(t.Context(), message(t, second)); !isPermanent(err) || !errors.As(err, new(doubtError)) {
		t.Errorf("got %v, want in doubt", err)
	}
	if n := requests.Load(); n != 2 {
		t.Errorf("%d requests for two events", n)
	}
}

// A gateway that cannot be reached has not got the message.
func TestGatewayDown(t *testing.T) {
	w := newWorld(t)
	server := httptest.NewServer(http.NotFoundHandler())
	server.Close()
	j := w.job(Options{Gateways: map[string]Gateway{"sms": {URL: server.URL, Body: "{{.Code}}"}}})
	for range 3 {
		err := j.Handle(t.Context(), message(t, calling("sms")))
		if err == nil || isPermanent(err) || errors.Is(err, errBusy) {
			t.Errorf("got %v", err)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	plain := errors.New("busy")
	for seconds, want := range map[string]error{
		"": plain, "-1": plain, "Wed, 21 Oct 2026 07:28:00 GMT": plain, "3": consumer.After(3*time.Second, plain),
		"86400": consumer.After(maxLater, plain),
	} {
		if got := later(seconds, plain); !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %#v, want %#v", seconds, got, want)
		}
	}
}

// The context ends while a server holds the line: the attempt ends too.
func TestMailerGivesUp(t *testing.T) {
	address := freeAddress(t)
	held := make(chan struct{})
	l, err := listen(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		c, err := l.Accept()
		if err == nil {
			<-held
			_ = c.Close()
		}
	}()
	defer func() { close(held); l.Close() }()
	o := SMTP{Host: "127.0.0.1", Port: portOf(l), TLS: tlsNone, From: "no-reply@example.com", Timeout: 200 * time.Millisecond}
	m, err := newMailer(o)
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	err = m.deliver(t.Context(), &letter{to: "ada@example.com"}, func(context.Context) error { return errors.New("reached") })
	if err == nil || time.Since(start) > 5*time.Second || strings.Contains(err.Error(), "ada@") {
		t.Errorf("after %s: %v", time.Since(start), err)
	}
}
