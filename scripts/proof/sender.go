package main

import (
	"context"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"
)

// A sender is a connection that sends one delivery after the other.
type sender struct {
	trial   *trial
	load    *load
	rng     *rand.Rand
	maker   *maker
	sources []*source
	client  *http.Client

	waiting []repeat    // no success yet, the next first
	brought []*delivery // some that had one
}

// A repeat is a delivery that is due again.
type repeat struct {
	at       time.Time
	delivery *delivery
}

// Bounds of a sender.
const (
	mostWaiting = 32 // then nothing new is sent
	mostBrought = 64
	answerTime  = 20 * time.Second
)

func newClient() *http.Client {
	return &http.Client{
		Timeout:   answerTime,
		Transport: &http.Transport{MaxConnsPerHost: 1, MaxIdleConnsPerHost: 1, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // no answer of forebay's
		},
	}
}

// run sends until there is enough and everything has its success, or ctx ends.
func (s *sender) run(ctx context.Context) {
	defer s.client.CloseIdleConnections()
	for {
		switch enough := s.load.enough(); {
		case enough && len(s.waiting) == 0:
			return
		case len(s.waiting) > 0 && (enough || len(s.waiting) >= mostWaiting || time.Now().After(s.waiting[0].at)):
			pause(ctx, time.Until(s.waiting[0].at))
			next := s.waiting[0]
			s.waiting = slices.Delete(s.waiting, 0, 1)
			s.deliver(ctx, next.delivery)
		default:
			if s.load.limiter.Wait(ctx) == nil {
				s.deliver(ctx, s.choose())
			}
		}
		if ctx.Err() != nil {
			return
		}
	}
}

// choose gives a new delivery; now and then one that was tampered with, or an accepted one again, as providers do that
// missed the answer.
func (s *sender) choose() *delivery {
	switch s.rng.IntN(50) {
	case 0:
		if !s.load.honest {
			d := s.fresh()
			d.tamper()
			return d
		}
	case 1:
		if len(s.brought) > 0 {
			return s.brought[s.rng.IntN(len(s.brought))]
		}
	}
	d := s.fresh()
	s.load.made.Add(int64(len(d.events)))
	return d
}

// fresh makes a delivery of any source of the load, or of the one that is named.
func (s *sender) fresh(names ...string) *delivery {
	if len(names) == 0 {
		names = s.load.only
	}
	want := anyKind
	if s.load.urgent > 0 {
		want = func(k *kind) bool { return !k.urgent }
		if s.rng.IntN(100) < s.load.urgent {
			want = func(k *kind) bool { return k.urgent }
		}
	}
	for {
		from := s.sources[s.rng.IntN(len(s.sources))]
		if len(names) > 0 && !slices.Contains(names, from.name) {
			continue
		}
		if d, ok := from.make(s.maker, want); ok {
			return d
		}
	}
}

// deliver sends, and puts what has no success back among what waits. What was tampered with is sent once.
func (s *sender) deliver(ctx context.Context, d *delivery) {
	status, _, _, _ := s.send(ctx, d)
	switch {
	case d.tampered || status/100 == 4:
	case succeeded(status):
		if s.brought = append(s.brought, d); len(s.brought) > mostBrought {
			s.brought = slices.Delete(s.brought, 0, mostBrought/2)
		}
	default:
		later := time.Now().Add(time.Duration(50+s.rng.IntN(450)) * time.Millisecond)
		s.waiting = append(s.waiting, repeat{later, d})
	}
}

// send sends a delivery once, and notes the answer. An answer that was not read whole is none.
func (s *sender) send(ctx context.Context, d *delivery) (status int, body []byte, header http.Header, err error) {
	s.trial.ledger.sending(d)
	defer func() { s.trial.ledger.answer(d, status) }()
	request, err := d.request(s.trial.daemon.webhooks)
	if err != nil {
		return noAnswer, nil, nil, err
	}
	answer, err := s.client.Do(request.WithContext(ctx))
	if err != nil {
		return noAnswer, nil, nil, err
	}
	defer answer.Body.Close()
	if body, err = io.ReadAll(io.LimitReader(answer.Body, 1<<20)); err != nil {
		return noAnswer, nil, nil, err
	}
	return answer.StatusCode, body, answer.Header, nil
}
