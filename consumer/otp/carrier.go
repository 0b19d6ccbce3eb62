package otp

import (
	"context"
	"errors"
)

// A carrier takes a letter to where it goes. It calls commit at the last moment before the letter can be under way, and
// gives up if that fails. Its errors hold neither code nor address. A [doubtError] says that the letter may have gone
// out; with any other it did not.
type carrier interface {
	deliver(ctx context.Context, l *letter, commit func(context.Context) error) error
}

// newCarriers makes what is configured to send with, by channel.
func newCarriers(o Options) (map[string]carrier, error) {
	carriers := map[string]carrier{}
	var failures []error
	if o.SMTP.Host != "" {
		m, err := newMailer(o.SMTP)
		carriers[channelEmail], failures = m, append(failures, err)
	}
	for channel, g := range o.Gateways {
		c, err := newCourier(channel, g)
		carriers[channel], failures = c, append(failures, err)
	}
	return carriers, errors.Join(failures...)
}
