package ingress

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strconv"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// An outcome is how a delivery ended: its line in the table of statuses, and its label in the metrics.
type outcome int

const (
	accepted outcome = iota
	duplicate
	quarantined
	handshaken
	unknown
	badMethod
	tooLarge
	badType
	truncated
	slow
	unverified
	unreadable
	limited
	overloaded
	drained
	unavailable
	outcomes // how many there are
)

// lines is the table of statuses. A provider may override accepted, duplicate, quarantined, unverified and unreadable.
// It never holds 410, 429, 504 or a redirect: shipped senders treat them as final.
var lines = [outcomes]struct {
	label  string
	status int
	level  slog.Level // of the log line, where there is an error
	text   string     // what the answer's body says is wrong
}{
	accepted:    {"accepted", http.StatusOK, slog.LevelDebug, ""},
	duplicate:   {"duplicate", http.StatusOK, slog.LevelDebug, ""},
	quarantined: {"quarantined", http.StatusOK, slog.LevelWarn, ""},
	handshaken:  {"handshake", http.StatusOK, slog.LevelDebug, ""},
	unknown:     {"unknown", http.StatusNotFound, slog.LevelDebug, "no such source"},
	badMethod:   {"method", http.StatusMethodNotAllowed, slog.LevelInfo, "method not allowed"},
	tooLarge:    {"too_large", http.StatusRequestEntityTooLarge, slog.LevelWarn, "body over the limit of %d bytes"},
	badType:     {"media_type", http.StatusUnsupportedMediaType, slog.LevelInfo, "unsupported content type or encoding"},
	truncated:   {"truncated", http.StatusBadRequest, slog.LevelInfo, "the body ended early"},
	slow:        {"slow", http.StatusServiceUnavailable, slog.LevelInfo, "the body did not come in time, try again"},
	unverified:  {"unverified", http.StatusUnauthorized, slog.LevelWarn, "not verified"},
	unreadable:  {"unreadable", http.StatusBadRequest, slog.LevelWarn, "not readable"},
	limited:     {"limited", http.StatusServiceUnavailable, slog.LevelWarn, "too many deliveries, try again"},
	overloaded:  {"overloaded", http.StatusServiceUnavailable, slog.LevelWarn, "busy, try again"},
	drained:     {"draining", http.StatusServiceUnavailable, slog.LevelInfo, "stopping, try again"},
	unavailable: {"unavailable", http.StatusServiceUnavailable, slog.LevelError, "cannot be stored now, try again"},
}

// An answer is what a provider is told, and what we note about it.
type answer struct {
	provider.Answer
	outcome outcome
	stored  string        // where the delivery is safe: "journal" or "stream"; "": it was not stored
	id      string        // of the first message, for the log
	action  schema.Action // of the first message, for the log
}

// refuse answers with the line of o in the table.
func (d *delivery) refuse(o outcome, err error) (answer, error) {
	a := answer{outcome: o, Answer: standard(o)}
	switch o {
	case badMethod:
		a.Header = http.Header{"Allow": {d.allow}}
	case tooLarge:
		a.Body = problem(fmt.Sprintf(lines[o].text, d.limits.Body))
	case drained:
		a.Header = http.Header{"Connection": {"close"}}
	}
	return a, err
}

// standard is what every provider is told.
func standard(o outcome) provider.Answer {
	if success(lines[o].status) {
		return provider.Answer{Status: lines[o].status, Body: []byte(`{}`)}
	}
	return provider.Answer{Status: lines[o].status, Body: problem(lines[o].text)}
}

// problem is the body of a refusal. The text is ours alone and needs no escaping.
func problem(text string) []byte { return []byte(`{"error":"` + text + `"}`) }

// orStandard is a, or the line of o where the provider left the answer to us.
func orStandard(a provider.Answer, o outcome) provider.Answer {
	if a.Status != 0 {
		return a
	}
	return standard(o)
}

// ask is the provider's own answer, or the zero Answer. An answer that would lie is not taken (a success for
// what nobody verified, a refusal of what is stored), nor one that makes senders give up.
func (d *delivery) ask(step provider.Step, cause error) provider.Answer {
	if d.answerer == nil {
		return provider.Answer{}
	}
	a, err := d.answer(provider.Outcome{Step: step, Err: cause})
	if err != nil {
		d.log.Error("answer panicked", "err", err)
		return provider.Answer{}
	}
	lie := step == provider.Accepted && !success(a.Status) || step == provider.Unverified && success(a.Status)
	if lie || final(a.Status) {
		return provider.Answer{}
	}
	return a
}

func (d *delivery) answer(o provider.Outcome) (a provider.Answer, err error) {
	defer recovered(&err)
	return d.answerer.Answer(d.request, o), nil
}

// Header values of every success, made once.
var (
	jsonType = []string{"application/json"}
	storedIn = map[string][]string{
		schema.StoredJournal: {schema.StoredJournal}, schema.StoredStream: {schema.StoredStream},
	}
)

// write is the one place that writes to a provider.
func (a answer) write(w http.ResponseWriter) {
	status, h := a.Status, w.Header()
	for name, values := range a.Header {
		h[http.CanonicalHeaderKey(name)] = values
	}
	if len(a.Body) > 0 && h["Content-Type"] == nil {
		h["Content-Type"] = jsonType
	}
	if a.stored != "" && success(status) {
		h["Forebay-Stored"] = storedIn[a.stored]
	}
	if final(status) {
		status = http.StatusServiceUnavailable
	}
	if status == http.StatusServiceUnavailable {
		h.Set("Retry-After", strconv.Itoa(1+rand.IntN(5))) // seconds, jittered so that senders do not come back as one
	}
	w.WriteHeader(status)
	_, _ = w.Write(a.Body) // a sender that hung up is told nothing
}

func success(status int) bool { return status >= 200 && status < 300 }

// final reports the statuses after which shipped senders give an endpoint up. A provider's answer may not use them.
func final(status int) bool {
	return status < 200 || status >= 300 && status < 400 || status >= 600 ||
		status == http.StatusGone || status == http.StatusTooManyRequests || status == http.StatusGatewayTimeout
}
