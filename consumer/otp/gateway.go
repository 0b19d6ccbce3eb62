package otp

import (
	"bytes"
	"cmp"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

//go:embed gateway
var gateways embed.FS

// Gateway is an HTTP API that sends an SMS or places a call. URL, Headers and Body are templates (text/template) over a
// [Parcel], with the functions urlquery, html and js of Go and json, which writes a value as JSON.
type Gateway struct {
	// Kind is http, a request as written below, or twilio, whose API is filled in: then Account, Password and From are
	// all it takes. Default: http.
	Kind string `yaml:"kind"`
	// URL is what is called. Needed with kind http.
	URL string `yaml:"url"`
	// Method is the method. Default: POST.
	Method string `yaml:"method"`
	// Headers are added to the request. Default: a Content-Type of application/json.
	Headers map[string]string `yaml:"headers"`
	// Body is the body, for example {"to": {{json .To}}, "text": {{json .Text}}}. Needed with kind http, unless Method is
	// GET.
	Body string `yaml:"body"`
	// Account is the account at the gateway, for templates. Twilio calls it the account SID. Needed with kind twilio.
	Account string `yaml:"account"`
	// User and Password log in by HTTP basic authentication. Default: none; with kind twilio User is Account, and Password
	// is the auth token.
	User     string `yaml:"user"`
	Password string `yaml:"password"`
	// PasswordFile is a file with Password.
	PasswordFile Path `yaml:"password_file"`
	// From is the number or the name that the message comes from, for templates. Needed with kind twilio.
	From string `yaml:"from"`
	// Timeout bounds a request. Default: 20s.
	Timeout time.Duration `yaml:"timeout"`
}

// A Parcel is what the templates of a gateway can say.
type Parcel struct {
	To      string // as the event has it
	From    string // Gateway.From
	Account string // Gateway.Account
	Text    string // sms.txt or call.txt, filled in
	Code    string
	Locale  string // of Text: "en"
	ID      string // the same for every request of one event, 32 hex digits: for gateways that know idempotency keys
	Seconds int    // how long the code is right
}

const (
	kindHTTP   = "http"
	kindTwilio = "twilio"
)

// complete fills in what a gateway of a known kind needs.
func (g Gateway) complete(channel string) Gateway {
	g.Kind = cmp.Or(g.Kind, kindHTTP)
	g.Method = cmp.Or(g.Method, http.MethodPost)
	g.Timeout = cmp.Or(g.Timeout, 20*time.Second)
	if g.Kind == kindTwilio {
		return g.twilio(channel)
	}
	if g.Headers == nil && g.Body != "" {
		g.Headers = map[string]string{"Content-Type": "application/json"}
	}
	return g
}

// twilio is https://www.twilio.com/docs/messaging/api/message-resource and …/docs/voice/api/call-resource.
func (g Gateway) twilio(channel string) Gateway {
	const base = "https://api.twilio.com/2010-04-01/Accounts/{{urlquery .Account}}/"
	g.URL = cmp.Or(g.URL, base+map[string]string{channelSMS: "Messages.json", channelCall: "Calls.json"}[channel])
	g.User = cmp.Or(g.User, g.Account)
	if g.Headers == nil {
		g.Headers = map[string]string{"Content-Type": "application/x-www-form-urlencoded"}
	}
	if g.Body == "" {
		body, _ := gateways.ReadFile("gateway/twilio-" + channel + ".txt") // no such channel: refused as unknown
		g.Body = strings.TrimSpace(string(body))
	}
	return g
}

func (g Gateway) check(key string) error {
	u, err := url.Parse(strings.NewReplacer("{{", "", "}}", "").Replace(g.URL))
	plausible := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil
	return errors.Join(
		require(g.Kind == kindHTTP || g.Kind == kindTwilio, key+".kind: want http or twilio"),
		require(plausible || strings.HasPrefix(g.URL, "https://{{"), key+".url: want https://…, without user and password"),
		require(g.Body != "" || g.Method == http.MethodGet, key+".body: is empty"),
		require(g.Timeout > 0, key+".timeout: want more than zero"),
		require((g.User == "") == (g.Password == ""), key+": user (with kind twilio: account) and password need each other"),
		require(g.Kind != kindTwilio || g.Account != "" && g.From != "", key+": kind twilio needs account, password and from"),
	)
}

// A courier carries letters to a gateway.
type courier struct {
	Gateway
	client  *http.Client
	url     *template.Template
	body    *template.Template
	headers map[string]*template.Template
}

func newCourier(channel string, g Gateway) (*courier, error) {
	c := &courier{Gateway: g, headers: map[string]*template.Template{}, client: gatewayClient()}
	var errURL, errBody, err error
	c.url, errURL = parseParcel(channel, "url", g.URL)
	c.body, errBody = parseParcel(channel, "body", g.Body)
	failures := []error{errURL, errBody}
	for name, text := range g.Headers {
		c.headers[name], err = parseParcel(channel, "headers."+name, text)
		failures = append(failures, err)
	}
	return c, errors.Join(failures...)
}

// gatewayClient makes the HTTP client. On a connection that was used before, net/http would by itself make a GET twice:
// each request has one of its own.
func gatewayClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true
	return &http.Client{
		Transport: transport,
		// A redirect would take the code to somebody whom nobody configured.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// parseParcel makes a template of a gateway, and tries it.
func parseParcel(channel, key, text string) (*template.Template, error) {
	t, err := template.New(key).Funcs(map[string]any{"json": writeJSON}).Parse(text)
	if err == nil {
		err = t.Execute(io.Discard, Parcel{})
	}
	if err != nil {
		return nil, fmt.Errorf("gateways.%s: %w", channel, err)
	}
	return t, nil
}

func writeJSON(v any) (string, error) {
	text, err := json.Marshal(v)
	return string(text), err
}

// deliver makes one request. From its first byte on the gateway may act, so commit comes before it; a request for which
// there was never a connection did not go out.
func (c *courier) deliver(ctx context.Context, l *letter, commit func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	connected := false
	req, err := c.request(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { connected = true },
	}), l)
	if err != nil {
		return consumer.Permanent(err)
	}
	if err := commit(ctx); err != nil {
		return err
	}
	resp, err := c.client.Do(req)
	if err != nil {
		return noAnswer(err, connected)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // some servers break off work whose answer nobody reads
	return answered(resp)
}

func (c *courier) request(ctx context.Context, l *letter) (*http.Request, error) {
	p := Parcel{
		To: l.to, From: c.From, Account: c.Account, Text: l.text, Code: l.code, Locale: l.locale, ID: l.id,
		Seconds: int(l.lifetime / time.Second),
	}
	var target, body bytes.Buffer
	if err := errors.Join(c.url.Execute(&target, p), c.body.Execute(&body, p)); err != nil {
		return nil, fmt.Errorf("gateway: fill in its templates: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, c.Method, target.String(), &body)
	if err != nil {
		return nil, errors.New("gateway: its url and method make no request")
	}
	req.GetBody = nil // net/http would send the body a second time on a connection that broke
	for name, t := range c.headers {
		var text strings.Builder
		if err := t.Execute(&text, p); err != nil {
			return nil, fmt.Errorf("gateway: fill in header %s: %w", name, err)
		}
		req.Header.Set(name, text.String())
	}
	if c.User != "" {
		req.SetBasicAuth(c.User, c.Password)
	}
	return req, nil
}

// noAnswer leaves the URL out of an error: it may hold the number.
func noAnswer(err error, connected bool) error {
	if inner := (*url.Error)(nil); errors.As(err, &inner) {
		err = inner.Err
	}
	if connected {
		return doubtError{fmt.Errorf("gateway: wait for the answer: in doubt: the message may have gone out: %w", err)}
	}
	return fmt.Errorf("gateway: connect: %w", err)
}

// answered gives the verdict on a status. Proxies say 502 and 504 when they do not know what became of a request.
func answered(resp *http.Response) error {
	err := fmt.Errorf("gateway: it answered %d", resp.StatusCode)
	switch code := resp.StatusCode; {
	case code/100 == 2:
		return nil
	case code == http.StatusBadGateway, code == http.StatusGatewayTimeout:
		return doubtError{fmt.Errorf("%w: in doubt: the message may have gone out", err)}
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable:
		return later(resp.Header.Get("Retry-After"), err)
	case code >= 500, code == http.StatusUnauthorized, code == http.StatusForbidden, code == http.StatusRequestTimeout:
		return err // the gateway's or the operator's to mend
	}
	return consumer.Permanent(err)
}

// maxLater bounds what a gateway may ask for.
const maxLater = 10 * time.Minute

// later takes a gateway's Retry-After in seconds; without one the schedule decides.
func later(seconds string, err error) error {
	n, parse := strconv.Atoi(seconds)
	if parse != nil || n < 0 {
		return err
	}
	return consumer.After(min(time.Duration(n)*time.Second, maxLater), err)
}
