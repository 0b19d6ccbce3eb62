package ingress

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"
)

// metrics is what the way in counts. Only configured sources become label values.
type metrics struct {
	deliveries  *prometheus.CounterVec // source, outcome
	quarantined *prometheus.CounterVec // source
	answer      prometheus.Histogram   // seconds
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_deliveries_total", Help: "Deliveries by source and by how they ended.",
		}, []string{"source", "outcome"}),
		quarantined: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_quarantined_total", Help: "Verified deliveries that could not be read, kept in quarantine.",
		}, []string{"source"}),
		answer: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "forebay_answer_seconds", Help: "Time from the head of a delivery to its answer.",
			Buckets: []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5},
		}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.deliveries, m.quarantined, m.answer} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return m, nil
}

// A tally holds what is noted about each outcome of one source, made when first needed: ten thousand sources have few
// outcomes each, and an accepted delivery looks no label up.
type tally struct {
	metrics *metrics
	source  string
	of      [outcomes]atomic.Pointer[entry]
}

// An entry counts one outcome of one source and spaces its log lines.
type entry struct {
	count prometheus.Counter
	log   rate.Sometimes
}

func (t *tally) entry(o outcome) *entry {
	if e := t.of[o].Load(); e != nil {
		return e
	}
	e := &entry{
		count: t.metrics.deliveries.WithLabelValues(t.source, lines[o].label),
		log:   rate.Sometimes{First: 10, Interval: time.Second},
	}
	if t.of[o].CompareAndSwap(nil, e) {
		return e
	}
	return t.of[o].Load()
}

// note counts and logs how a delivery ended. A flood of one kind is logged ten times, then once a second; the
// counters miss nothing.
func (s *source) note(ctx context.Context, a answer, err error, took time.Duration) {
	s.in.metrics.answer.Observe(took.Seconds())
	e := s.tally.entry(a.outcome)
	e.count.Inc()
	if a.outcome == quarantined {
		s.in.metrics.quarantined.WithLabelValues(s.Name).Inc()
	}
	if a.Note != "" {
		e.log.Do(func() { s.log.InfoContext(ctx, "handshake", "delivery", a.Note, "status", a.Status) })
	}
	if !s.log.Enabled(ctx, lines[a.outcome].level) {
		return
	}
	if err == nil {
		s.log.DebugContext(ctx, "delivery accepted",
			"id", a.id, "action", a.action, "status", a.Status, "took", took)
		return
	}
	e.log.Do(func() {
		s.log.Log(ctx, lines[a.outcome].level, verdict(a.outcome), //nolint:sloglint // one of two constants
			slog.Int("status", a.Status), slog.Duration("took", took), slog.Any("err", err))
	})
}

// verdict is the message of the log line of a delivery with an error.
func verdict(o outcome) string {
	if o == quarantined {
		return "delivery quarantined"
	}
	return "delivery refused"
}
