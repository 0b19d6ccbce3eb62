package consumer

import (
	"fmt"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics is what consumers count. Make one with [NewMetrics] and share it among them.
type Metrics struct {
	attempts  *prometheus.CounterVec   // consumer, verdict
	duration  *prometheus.HistogramVec // consumer; seconds
	inFlight  *prometheus.GaugeVec     // consumer
	held      *prometheus.GaugeVec     // consumer
	abandoned *prometheus.GaugeVec     // consumer
	dead      *prometheus.CounterVec   // consumer
}

// NewMetrics registers the metrics of consumers, once for all of them.
func NewMetrics(r prometheus.Registerer) (*Metrics, error) {
	label := []string{"consumer"}
	m := &Metrics{
		attempts: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_attempts_total", Help: "Attempts by consumer and verdict.",
		}, []string{"consumer", "verdict"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "forebay_attempt_seconds", Help: "Time that attempts took.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, label),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "forebay_attempts_in_flight", Help: "Attempts under way.",
		}, label),
		held: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "forebay_events_held", Help: "Events that wait for an earlier event of their user.",
		}, label),
		abandoned: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "forebay_attempts_abandoned", Help: "Attempts whose handler still runs although their time is over.",
		}, label),
		dead: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_dead_letters_total", Help: "Dead letters that were copied, by consumer.",
		}, label),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.attempts, m.duration, m.inFlight, m.held, m.abandoned, m.dead} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("register metrics of consumers: %w", err)
		}
	}
	return m, nil
}

// A meter counts for one consumer; labels are looked up once.
type meter struct {
	attempts  [verdicts]prometheus.Counter
	duration  prometheus.Observer
	inFlight  prometheus.Gauge
	held      prometheus.Gauge
	abandoned prometheus.Gauge
}

// of is the meter of one consumer. Without Metrics it counts for nobody.
func (m *Metrics) of(consumer string) (t meter) {
	if m == nil {
		m, _ = NewMetrics(nil)
	}
	for v := range verdicts {
		t.attempts[v] = m.attempts.WithLabelValues(consumer, v.String())
	}
	t.duration = m.duration.WithLabelValues(consumer)
	t.inFlight = m.inFlight.WithLabelValues(consumer)
	t.held = m.held.WithLabelValues(consumer)
	t.abandoned = m.abandoned.WithLabelValues(consumer)
	return t
}

// note counts, logs and remembers how an attempt ended. A flood of one kind is logged ten times, then once a second.
func (c *Consumer) note(d *delivery, v verdict, because error) {
	c.meter.attempts[v].Inc()
	d.judged(v)
	_, attempt := d.now()
	if because == nil {
		c.log.Debug("event handled", "seq", d.seq, "attempt", attempt)
		return
	}
	c.fail(d, v, because)
	level, text := slog.LevelError, "event becomes a dead letter"
	if v == retried || v == postponed {
		level, text = slog.LevelWarn, "attempt without success"
	}
	c.quiet[v].Do(func() {
		c.log.Log(c.work, level, text, //nolint:sloglint // one of two constants
			"seq", d.seq, "attempt", attempt, "verdict", v.String(), "err", because)
	})
}
