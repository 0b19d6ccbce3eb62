package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/broker"
	"github.com/forebayhq/forebay/config"
	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/publisher"
	"github.com/forebayhq/forebay/publisher/journal"
)

// A store is where deliveries are made safe: the journal with its publisher, or the stream itself (ack: stream).
type store interface {
	ingress.Store

	run(context.Context) error
	settle(time.Duration) // wait until everything is published, so long at most
	configure(*config.Config)
	problems() problems
	close() error
}

// problems are what is wrong, by how wrong it is.
type problems struct {
	restart error // nothing but a restart helps
	refuse  error // deliveries are refused
	delay   error // events are accepted and not published
}

func openStore(c *config.Config, b *broker.Broker, r prometheus.Registerer, log *slog.Logger) (store, error) {
	if c.Ack == "stream" {
		return &directStore{Direct: &publisher.Direct{
			Dial:    func() (*nats.Conn, error) { return b.Dial("forebay", nats.NoReconnect()) },
			Prepare: prepare(c, log), Streams: []string{c.Stream.Name, streams(c).Quarantine()}, Wait: 2 * time.Second,
		}}, nil
	}
	j, err := journal.Open(journal.Config{
		Dir: filepath.Join(string(c.Data), "journal"), MaxBytes: int64(c.Journal.MaxBytes),
		Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, err
	}
	r.MustRegister(
		gauge("forebay_journal_lost_events", "Accepted events that could not be read when the journal was opened.",
			func() float64 { return float64(j.Lost()) }),
		gauge("forebay_journal_lost_unknown", "1 if more may have been lost then, because a file of the journal could not be read whole.",
			func() float64 {
				if j.LostUnknown() {
					return 1
				}
				return 0
			}),
		gauge("forebay_journal_damaged", "1 while a damaged journal stands aside for somebody to look at.",
			func() float64 {
				if j.Damaged() != nil {
					return 1
				}
				return 0
			}),
	)
	return &journalStore{
		Publisher: publisher.New(publisher.Config{
			Journal: j, Dial: func() (*nats.Conn, error) { return b.Dial("forebay publisher", nats.NoReconnect()) },
			Prepare: prepare(c, log), Silent: revive(b, j, log),
			Stream: c.Stream.Name, Quarantine: streams(c).Quarantine(), Prefix: c.Stream.Prefix,
			Guard: c.Journal.Guard, Now: time.Now, Log: log, Metrics: r,
		}, rules(c)),
		journal: j,
	}, nil
}

func gauge(name, help string, value func() float64) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, value)
}

// prepare makes sure that a stream exists, and says once how one that exists differs.
func prepare(c *config.Config, log *slog.Logger) func(context.Context, jetstream.JetStream, string) error {
	var said sync.Map
	return func(ctx context.Context, js jetstream.JetStream, stream string) error {
		differences, err := broker.EnsureOne(ctx, js, streams(c), stream)
		for _, d := range differences {
			if _, ok := said.LoadOrStore(d, true); !ok {
				log.Warn("stream left as it is", "err", d)
			}
		}
		return err
	}
}

// revive restarts the embedded server, which does not go on by itself after its disk was full, once there is space.
func revive(b *broker.Broker, j *journal.Journal, log *slog.Logger) func() {
	return func() {
		if j.Ready() != nil {
			return
		}
		if err := b.Restart(); err != nil {
			log.Error("the broker is silent", "err", err)
		}
	}
}

func rules(c *config.Config) publisher.Rules {
	r := publisher.Rules{Urgent: c.Lanes.Urgent, Dedupe: c.Journal.Dedupe, Horizon: map[string]time.Duration{}}
	for _, s := range c.Sources {
		if s.Dedupe > 0 {
			r.Horizon[s.Name] = s.Dedupe
		}
	}
	return r
}

type journalStore struct {
	*publisher.Publisher
	journal *journal.Journal
}

func (s *journalStore) run(ctx context.Context) error { return s.Run(ctx) }
func (s *journalStore) configure(c *config.Config)    { s.SetRules(rules(c)) }
func (s *journalStore) close() error                  { return s.journal.Close() }

func (s *journalStore) problems() problems {
	p := problems{refuse: s.journal.Ready(), delay: errors.Join(s.Problem(), s.journal.Damaged())}
	if errors.Is(p.refuse, journal.ErrFailed) {
		p.restart = p.refuse
	}
	return p
}

// settle gives the publisher time to bring the rest to the stream. What is left then waits in the journal.
func (s *journalStore) settle(most time.Duration) {
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	end := time.After(most)
	for s.Problem() == nil && s.waiting() {
		select {
		case <-look.C:
		case <-end:
			return
		}
	}
}

func (s *journalStore) waiting() bool {
	for _, d := range s.Depths() {
		if d.Events > 0 {
			return true
		}
	}
	return false
}

type directStore struct{ *publisher.Direct }

func (s *directStore) run(ctx context.Context) error { <-ctx.Done(); return nil }
func (s *directStore) settle(time.Duration)          {}
func (s *directStore) configure(*config.Config)      {}
func (s *directStore) close() error                  { s.Close(); return nil }

func (s *directStore) problems() problems {
	if err := s.Problem(); err != nil {
		return problems{refuse: fmt.Errorf("stream: %w", err)}
	}
	return problems{}
}
