package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/schema"
)

// The running forebay takes in what "forebay quarantine release" opened, so that its events go the way of all others:
// through the journal, which then knows them when the provider repeats the delivery.
//
// The caller is not believed. A request is taken only if it is, byte for byte, one that was verified when it came: the
// delivery in quarantine is named by its SHA-256.

const (
	releasePath   = "/quarantine/release" // on the admin listener
	releaseHeader = "Forebay-Release"     // which no form of a web site can send
)

// A releaseRequest is a delivery that leaves the quarantine.
type releaseRequest struct {
	Seq     uint64   `json:"seq"`     // its place in the quarantine stream
	Request []byte   `json:"request"` // the HTTP text, opened
	Present []string `json:"present"` // "<source>/<event id>" of events that the stream has already
}

// A releaseAnswer says what became of its events, or why there are none.
type releaseAnswer struct {
	Error  string          `json:"error,omitempty"`
	Events []releasedEvent `json:"events,omitempty"`
}

// releases is the store, with a way in of its own for what leaves the quarantine.
type releases struct {
	store

	find  func(ctx context.Context, seq uint64) (quarantined, bool, error)
	limit int64 // bytes of a releaseRequest
	log   *slog.Logger

	mu     sync.Mutex // one release at a time; guards reader
	reader *rereader
}

func newReleases(c *config.Config, b *broker.Broker, wire schema.Wire, s store, log *slog.Logger) *releases {
	return &releases{
		store: s, limit: 2*b.MaxPayload() + overhead, log: log, // base64 adds a third
		find: func(ctx context.Context, seq uint64) (quarantined, bool, error) {
			return findQuarantined(ctx, b, streams(c).Quarantine(), seq)
		},
		reader: newRereader(c.Sources, wire),
	}
}

// findQuarantined reads one delivery. False: it is no longer there.
func findQuarantined(ctx context.Context, b *broker.Broker, name string, seq uint64) (d quarantined, there bool, err error) {
	nc, err := b.Dial("forebay release")
	if err != nil {
		return d, false, err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return d, false, err
	}
	stream, err := js.Stream(ctx, name)
	if err != nil {
		return d, false, fmt.Errorf("stream %s: %w", name, err)
	}
	q := quarantine{deliveries: stream}
	return q.get(ctx, seq)
}

// configure takes over the sources of a reload.
func (r *releases) configure(c *config.Config) {
	r.store.configure(c)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.reader = newRereader(c.Sources, r.reader.wire)
}

// ServeHTTP answers 200 with what became of the events; 403 to what is no program; 410 where the delivery is gone, 409
// where the request is not the one in quarantine, 422 where it cannot be read; 503 where it cannot be decided or stored
// now.
func (r *releases) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	ctx, cancel := context.WithTimeout(request.Context(), releaseTime)
	defer cancel()
	status, events, err := r.receive(ctx, w, request)
	answer := releaseAnswer{Events: events}
	if err != nil {
		answer.Error = err.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // whoever asked is gone
}

// releaseTime is how long a release may take on our side.
const releaseTime = 20 * time.Second

func (r *releases) receive(ctx context.Context, w http.ResponseWriter, request *http.Request) (int, []releasedEvent, error) {
	if err := fromProgram(request); err != nil {
		return http.StatusForbidden, nil, err
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, request.Body, r.limit))
	if large := new(http.MaxBytesError); errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge, nil, fmt.Errorf("longer than %d bytes", r.limit)
	}
	var asked releaseRequest
	if err != nil || json.Unmarshal(body, &asked) != nil {
		return http.StatusBadRequest, nil, errors.New("not a release in JSON")
	}
	d, there, err := r.find(ctx, asked.Seq)
	if err != nil {
		return http.StatusServiceUnavailable, nil, err
	}
	if !there {
		return http.StatusGone, nil, errors.New("the delivery is no longer in quarantine")
	}
	if err := d.check(asked.Request); err != nil {
		return http.StatusConflict, nil, err
	}
	return r.take(ctx, d, asked)
}

// fromProgram refuses what a browser sends for a web site: that has an Origin, or cannot have our header and this
// content type without asking first.
func fromProgram(r *http.Request) error {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "":
		return errors.New("not for browsers")
	case r.Header.Get(releaseHeader) == "" || err != nil || media != "application/json":
		return errors.New("want " + releaseHeader + " and application/json")
	}
	return nil
}

// take reads the delivery and stores its events, those that the stream has aside.
func (r *releases) take(ctx context.Context, d quarantined, asked releaseRequest) (int, []releasedEvent, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	messages, err := r.reader.read(d, asked.Request)
	if err != nil {
		return http.StatusUnprocessableEntity, nil, err
	}
	var events []releasedEvent
	for _, m := range messages {
		e, err := r.keep(ctx, m, asked.Present)
		if err != nil {
			return http.StatusServiceUnavailable, nil, err
		}
		events = append(events, e)
	}
	r.log.Info("released from quarantine", "source", d.Source, "id", d.ID)
	return http.StatusOK, events, nil
}

// keep stores one event, unless it is known. Each by itself: the receipt then says which was stored before, and a
// release that is cut off is called again.
func (r *releases) keep(ctx context.Context, m schema.Message, there []string) (releasedEvent, error) {
	e := eventOf(m)
	if slices.Contains(there, m.ID) {
		e.State = present
		return e, nil
	}
	receipt, err := r.Store(ctx, []schema.Message{m})
	if err != nil {
		return e, fmt.Errorf("store %s: %w", m.Subject, err)
	}
	if e.State = accepted; receipt.Duplicates > 0 {
		e.State = present
	}
	return e, nil
}
