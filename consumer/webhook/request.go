package webhook

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/forebayhq/forebay/consumer"
	"github.com/forebayhq/forebay/schema"
)

// request makes the request of one attempt. Whatever the event holds, it is one that can be sent.
func (j *job) request(ctx context.Context, m *consumer.Message) *http.Request {
	r := &http.Request{
		Method: http.MethodPost, URL: j.url, Host: j.url.Host, Header: http.Header{}, ContentLength: int64(len(m.Body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(m.Body)), nil },
		Body:    io.NopCloser(bytes.NewReader(m.Body)),
	}
	for name, value := range j.headers {
		r.Header.Set(name, value)
	}
	addAttributes(r.Header, m.Header)
	j.addAttempt(r.Header, m)
	j.addSignature(r.Header, m)
	return r.WithContext(ctx)
}

// attribute is the header of a CloudEvents attribute: its name is made of small letters and digits.
var attribute = regexp.MustCompile(`^ce-[a-z0-9]+$`)

// addAttributes copies the attributes of the event. NATS and HTTP bindings escape alike; what is not escaped as they say
// is by somebody else, and is escaped here. The content type has a header of its own and must not be there twice.
func addAttributes(to http.Header, header map[string][]string) {
	for name, values := range header {
		if len(values) != 1 || name == schema.HeaderDataContentType || !attribute.MatchString(name) {
			continue
		}
		value, err := schema.UnescapeHeader(values[0])
		if err != nil {
			value = values[0]
		}
		to.Set(name, schema.EscapeHeader(value))
	}
}

func (j *job) addAttempt(h http.Header, m *consumer.Message) {
	h.Set("Content-Type", "application/json")
	if h.Get("User-Agent") == "" {
		h.Set("User-Agent", "Forebay")
	}
	if m.Traceparent != "" {
		h.Set(schema.HeaderTraceparent, schema.EscapeHeader(m.Traceparent)) // a right one has nothing to escape
	}
	h.Set("Forebay-Consumer", j.consumer)
	h.Set("Forebay-Seq", strconv.FormatUint(m.Seq, 10))
	h.Set("Forebay-Attempt", strconv.Itoa(m.Attempt))
	if m.ReplayOf != 0 {
		h.Set(consumer.HeaderReplayOf, strconv.FormatUint(m.ReplayOf, 10))
	}
	// An empty list is not sent, and tells net/http that it may repeat the request when an idle connection turns out to
	// be closed: receivers know a repetition by its ID. Otherwise that would cost an attempt.
	h["Idempotency-Key"] = []string{}
}

// addSignature gives the request its ID and, where there are secrets, the signatures.
func (j *job) addSignature(h http.Header, m *consumer.Message) {
	id, at := webhookID(j.consumer, m), j.now()
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	if len(j.signer) > 0 {
		h.Set("Webhook-Signature", j.signer.sign(id, at, m.Body))
	}
}
