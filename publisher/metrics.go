package publisher

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/forebayhq/forebay/publisher/journal"
)

type metrics struct {
	published   *prometheus.CounterVec
	duplicates  *prometheus.CounterVec
	reoffered   prometheus.Counter
	aside       prometheus.Counter
	interrupted prometheus.Counter
}

func newMetrics(r prometheus.Registerer, p *Publisher) *metrics {
	m := &metrics{
		published: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_published_total", Help: "Events that the stream acknowledged, by lane."}, []string{"lane"}),
		duplicates: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "forebay_publish_duplicates_total", Help: "Of these, events that the stream had already."}, []string{"lane"}),
		reoffered: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "forebay_reoffered_total", Help: "Events offered again that the stream had acknowledged and forgotten."}),
		aside: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "forebay_set_aside_total", Help: "Events that the stream will never take as they are."}),
		interrupted: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "forebay_publish_interruptions_total", Help: "How often publishing stopped because of an error."}),
	}
	r.MustRegister(m.published, m.duplicates, m.reoffered, m.aside, m.interrupted, depth{p})
	return m
}

// A Depth is what of a lane waits to be published.
type Depth struct {
	Lane   journal.Lane
	Events uint64        // not acknowledged by the stream
	Oldest time.Duration // since the oldest of them was accepted
	Bytes  int64         // of the lane on disk, guard window included
}

// Depths gives the depth of every lane.
func (p *Publisher) Depths() []Depth {
	var depths []Depth
	for _, s := range p.streams {
		for _, l := range s.lines {
			depths = append(depths, l.depth(p.config.Now()))
		}
	}
	return depths
}

func (l *line) depth(now time.Time) Depth {
	j := l.stream.config.Journal
	first, last := j.Bounds(l.lane)
	next := max(first, l.position()) // before the first session all of the lane waits, as far as is known
	d := Depth{Lane: l.lane, Bytes: j.Bytes(l.lane)}
	if next == 0 || next > last {
		return d
	}
	d.Events = last + 1 - next
	if !j.IsOpen() {
		return d
	}
	if oldest, err := j.Read(l.lane, next, 1, nil); err == nil && len(oldest) > 0 {
		d.Oldest = now.Sub(oldest[0].Accepted)
	}
	return d
}

// depth collects Depths when Prometheus asks.
type depth struct{ p *Publisher }

var (
	depthEvents = prometheus.NewDesc("forebay_journal_events", "Events that wait to be published, by lane.", []string{"lane"}, nil)
	depthOldest = prometheus.NewDesc("forebay_journal_oldest_seconds", "Age of the oldest event that waits, by lane.", []string{"lane"}, nil)
	depthBytes  = prometheus.NewDesc("forebay_journal_bytes", "Bytes of the journal, guard window included, by lane.", []string{"lane"}, nil)
)

func (d depth) Describe(c chan<- *prometheus.Desc) {
	c <- depthEvents
	c <- depthOldest
	c <- depthBytes
}

func (d depth) Collect(c chan<- prometheus.Metric) {
	for _, lane := range d.p.Depths() {
		gauge := func(desc *prometheus.Desc, v float64) {
			c <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, v, lane.Lane.String())
		}
		gauge(depthEvents, float64(lane.Events))
		gauge(depthOldest, lane.Oldest.Seconds())
		gauge(depthBytes, float64(lane.Bytes))
	}
}
