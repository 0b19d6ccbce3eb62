package otp

import (
	"errors"
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// A meter counts for one consumer.
type meter struct {
	consumer string
	messages *prometheus.CounterVec // consumer, channel, outcome: sent, failed, doubt, duplicate
	checks   *prometheus.CounterVec // consumer, result: valid, invalid, limited, error
}

// newMeter registers what this job counts, or takes what another consumer with this job has registered. A nil registerer
// is fine: then nobody reads it.
func newMeter(r prometheus.Registerer, consumer string) (m meter, err error) {
	m.consumer = consumer
	m.messages, err = register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "forebay_otp_messages_total", Help: "Messages with one-time codes by consumer, channel and outcome.",
	}, []string{"consumer", "channel", "outcome"}))
	if err != nil {
		return m, err
	}
	m.checks, err = register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "forebay_otp_checks_total", Help: "Checks of one-time codes by consumer and result.",
	}, []string{"consumer", "result"}))
	return m, err
}

func register(r prometheus.Registerer, c *prometheus.CounterVec) (*prometheus.CounterVec, error) {
	if r == nil {
		return c, nil
	}
	err := r.Register(c)
	if err == nil {
		return c, nil
	}
	if there := (prometheus.AlreadyRegisteredError{}); errors.As(err, &there) {
		if same, ok := there.ExistingCollector.(*prometheus.CounterVec); ok {
			return same, nil
		}
	}
	return nil, fmt.Errorf("register metrics: %w", err)
}

func (m meter) message(channel, outcome string) {
	m.messages.WithLabelValues(m.consumer, channel, outcome).Inc()
}

func (m meter) check(result string) { m.checks.WithLabelValues(m.consumer, result).Inc() }
