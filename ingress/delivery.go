package ingress

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/forebayhq/forebay/provider"
	"github.com/forebayhq/forebay/schema"
)

// A delivery is one HTTP request of a source, on its way in. Its methods are the steps of receive.
type delivery struct {
	*source
	http     *http.Request
	url      url.URL          // the source's path with this request's query
	request  provider.Request // what the provider sees; Body is there once read
	received time.Time        // UTC, whole milliseconds
}

func (s *source) delivery(r *http.Request) *delivery {
	d := &delivery{source: s, http: r, url: s.url, received: s.in.now().UTC().Truncate(time.Millisecond)}
	d.url.RawQuery, d.url.ForceQuery = r.URL.RawQuery, r.URL.ForceQuery
	d.request = provider.Request{Method: r.Method, URL: &d.url, Header: r.Header}
	d.request.Peer, d.request.TLS = clientAddr(r, s.in.trusted), r.TLS
	return d
}

// read reads the body under the limit.
func (d *delivery) read() (err error) {
	d.request.Body, err = readBody(d.http.Body, d.http.ContentLength, d.limits.Body)
	return err
}

func (d *delivery) verify() (err error) {
	defer recovered(&err)
	return d.Provider.Verify(d.request)
}

func (d *delivery) decode() (events []schema.Event, err error) {
	defer recovered(&err)
	if events, err = d.Provider.Decode(d.request); err != nil {
		return nil, fmt.Errorf("decode: %w", err)
	}
	return events, nil
}

// seal gives the events in their wire form: validated, their sensitive members sealed, headers and subject escaped.
func (d *delivery) seal(ctx context.Context, events []schema.Event) (messages []schema.Message, err error) {
	defer recovered(&err)
	trace := d.trace(ctx)
	messages = make([]schema.Message, len(events))
	for i, e := range events {
		e.Source, e.Provider, e.Received = d.Name, d.ProviderName, d.received
		if messages[i], err = d.in.wire.Encode(e, trace); err != nil {
			return nil, fmt.Errorf("event %d of %d: %w", i+1, len(events), err)
		}
	}
	return messages, nil
}

// store makes the messages safe. A sender that hangs up meanwhile changes nothing: some never repeat a delivery, and
// those that do find a duplicate.
func (d *delivery) store(ctx context.Context, messages []schema.Message) (receipt schema.Receipt, err error) {
	defer recovered(&err)
	if len(messages) == 0 {
		return receipt, nil
	}
	if receipt, err = d.in.store.Store(context.WithoutCancel(ctx), messages); err != nil {
		return receipt, fmt.Errorf("store: %w", err)
	}
	return receipt, nil
}

// handshake lets the provider answer a request that carries no events. It comes before method and content type.
func (d *delivery) handshake() (answer, bool) {
	if d.handshaker == nil {
		return answer{}, false
	}
	a, ok, err := d.shake()
	if err != nil {
		d.log.Error("handshake panicked", "err", err)
	}
	if !ok {
		return answer{}, false
	}
	return answer{outcome: handshaken, Answer: orStandard(a, handshaken)}, true
}

func (d *delivery) shake() (a provider.Answer, ok bool, err error) {
	defer recovered(&err)
	a, ok = d.handshaker.Handshake(d.request)
	return a, ok, nil
}

// accept is the answer to a delivery whose messages are safe. A delivery without events is accepted and not stored.
func (d *delivery) accept(messages []schema.Message, receipt schema.Receipt) answer {
	a := answer{outcome: accepted, stored: receipt.Stored}
	if len(messages) > 0 {
		a.id, a.action = messages[0].ID, messages[0].Action
		if receipt.Duplicates == len(messages) {
			a.outcome = duplicate
		}
	}
	a.Answer = orStandard(d.ask(provider.Accepted, nil), a.outcome)
	return a
}

// unread is the answer to a delivery whose body did not arrive whole. It is charged to the address like a signature
// that is wrong: slow and broken bodies are how strangers hold on to places.
func (d *delivery) unread(err error) (answer, error) {
	if !errors.Is(err, errTooLarge) {
		d.in.strangers.charge(d.stranger(), d.received)
	}
	return d.refuse(whyUnread(err), fmt.Errorf("read body: %w", err))
}

// unverified is the answer to a delivery that the provider did not send, or of which that cannot be known now.
func (d *delivery) unverified(err error) (answer, error) {
	if provider.IsUnavailable(err) {
		return d.refuse(unavailable, fmt.Errorf("verify: %w", err))
	}
	d.in.strangers.charge(d.stranger(), d.received)
	a := orStandard(d.ask(provider.Unverified, err), unverified)
	return answer{outcome: unverified, Answer: a}, fmt.Errorf("verify: %w", err)
}

// unreadable is the answer to a verified delivery that nobody can read: kept in quarantine and answered as a success,
// or refused where the provider's rules ask for that. It is never a 5xx for what the delivery holds.
func (d *delivery) unreadable(ctx context.Context, cause error) (answer, error) {
	a := d.ask(provider.Unreadable, cause)
	if a.Status != 0 && !success(a.Status) {
		return answer{outcome: unreadable, Answer: a}, cause
	}
	m, err := d.quarantine(cause)
	if err != nil {
		return d.refuse(tooLarge, fmt.Errorf("%w; quarantine: %w", cause, err))
	}
	receipt, err := d.store(ctx, []schema.Message{m})
	if err != nil {
		return d.refuse(unavailable, fmt.Errorf("%w; quarantine: %w", cause, err))
	}
	if a.Status == 0 {
		a = orStandard(d.ask(provider.Accepted, nil), quarantined)
	}
	return answer{outcome: quarantined, Answer: a, stored: receipt.Stored, id: m.ID}, cause
}

// quarantine gives the delivery in the form in which it is kept for people to look at.
func (d *delivery) quarantine(cause error) (m schema.Message, err error) {
	defer recovered(&err)
	shown := d.request
	if d.concealer != nil {
		shown = d.concealer.Conceal(shown)
	}
	return d.in.wire.Quarantine(schema.Delivery{
		Source: d.Name, Provider: d.ProviderName, Received: d.received,
		Reason: cause.Error(), Request: wireText(d.http, shown),
	})
}

// recovered turns a panic of the function that defers it into an error. The error says where it was and never what
// the panic said: that may repeat the delivery.
func recovered(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("panic in %s: %T", panicSite(), p)
	}
}

// panicSite names the line that panicked: the first frame below runtime's own.
func panicSite() string {
	pcs := make([]uintptr, 16)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			return fmt.Sprintf("%s line %d", f.Function, f.Line)
		}
		if !more {
			return "an unknown place"
		}
	}
}
