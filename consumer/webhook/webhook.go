// Package webhook is the job that POSTs events to a URL, for receivers in any language without a NATS client.
//
// A request is a CloudEvent 1.0 in binary mode of the HTTP binding: its attributes are headers (ce-id, ce-type,
// ce-source, ce-subject, …), percent-encoded as the binding says, and the body is the event's JSON as it lies in the
// stream, sealed members sealed. It is signed by Standard Webhooks 1.0.0, so the libraries of that standard verify it:
//
//	webhook-id          one for an event and a consumer; the same in every attempt, redrive and replay
//	webhook-timestamp   Unix seconds of this attempt
//	webhook-signature   v1 and the HMAC-SHA-256 of ID, time and body, once for each secret
//
// The signature covers ID, time and body, and no other header. traceparent is that of the attempt where it is traced, else of the delivery. Forebay-Consumer,
// Forebay-Seq, Forebay-Attempt and, on a redriven or replayed event, Forebay-Replay-Of say what attempt this is.
//
// An event may come more than once, as when an answer got lost: a receiver keeps the webhook-id of what it is done with.
//
// # Verdicts
//
//	2xx                                        done
//	408, 425, 429, 502, 503, 504               another attempt: after Retry-After if there is one, else by the schedule
//	other 5xx, 3xx, no answer, no connection   another attempt by the schedule
//	410 and other 4xx                          a dead letter now
//
// Redirects are not followed: the event would go to somebody whom the configuration does not name. The body of an answer
// is not kept and not logged.
//
// # Where requests may go
//
// The URL comes from the configuration alone, and nothing in an event changes it. Its host may be any that forebay's
// machine reaches, the loopback and private networks included, because receivers are mostly there. Whoever may write
// the configuration can therefore make forebay POST events to internal services. Where that is not meant to be, set
// proxy to one that filters, or filter in the network.
//
// Sources: github.com/standard-webhooks/standard-webhooks spec/standard-webhooks.md;
// github.com/cloudevents/spec cloudevents/bindings/http-protocol-binding.md; RFC 9110, section 10.2.3.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/forebayhq/forebay/consumer"
)

// maxAnswer is how much of an answer's body is read, in bytes, so that its connection can be used again.
const maxAnswer = 64 << 10

type job struct {
	consumer string
	url      *url.URL
	headers  map[string]string
	signer   signer
	timeout  time.Duration
	maxDelay time.Duration
	client   *http.Client
	now      func() time.Time
}

// New makes the job of one consumer from its [Options]. It reads the files that they name.
func New(c consumer.JobConfig) (consumer.Job, error) {
	c = c.Complete()
	o, err := readOptions(c)
	if err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	j := &job{
		consumer: c.Consumer, headers: o.Headers, timeout: o.Timeout, maxDelay: o.MaxRetryAfter, now: c.Now,
	}
	if j.url, err = parseURL(o.URL); err != nil {
		return nil, fmt.Errorf("webhook: url: %w", err)
	}
	if j.signer, err = o.signer(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	if j.client, err = o.client(); err != nil {
		return nil, fmt.Errorf("webhook: %w", err)
	}
	return j, nil
}

// Handle POSTs one event. What is answered decides the verdict.
func (j *job) Handle(ctx context.Context, m *consumer.Message) error {
	ctx, cancel := context.WithTimeout(ctx, j.timeout)
	defer cancel()
	response, err := j.post(ctx, m)
	if err != nil {
		return fmt.Errorf("post to %s: %w", j.url.Host, err)
	}
	defer response.Body.Close()
	verdict := j.verdict(response)
	// What is left of the answer does not matter any more, nor whether it can be read.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return verdict
}

// Run closes connections that nobody uses when ctx ends.
func (j *job) Run(ctx context.Context) error {
	<-ctx.Done()
	j.client.CloseIdleConnections()
	return nil
}

// post sends the request. Its errors do not repeat the URL: a path or a query may be a secret.
func (j *job) post(ctx context.Context, m *consumer.Message) (*http.Response, error) {
	response, err := j.client.Do(j.request(ctx, m))
	if wrapped := (*url.Error)(nil); errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return response, err
}
