package consumer

import (
	"context"
	"time"
)

// lateness is how much later than due an event may come again before its user's others go on without it.
const lateness = 30 * time.Second

// admit gives the event that may be attempted now that d is here, if any. An event of nobody waits for nobody.
func (c *Consumer) admit(user string, d *delivery) *delivery {
	if user == "" {
		return d
	}
	d = c.order.admit(user, d)
	c.meter.held.Set(float64(c.order.holding()))
	return d
}

// runLine makes attempts of one user's events, one after another, until none may be made now.
func (c *Consumer) runLine(user string, d *delivery) {
	for d != nil {
		again := c.run(d)
		if user == "" {
			return
		}
		var due time.Time
		if again {
			due = time.Now().Add(max(d.asked, c.longest()) + c.longest() + lateness)
		}
		next := c.order.done(user, d, due)
		if next != nil && c.asking.Err() != nil {
			return
		}
		d = next
		c.meter.held.Set(float64(c.order.holding()))
	}
}

// resume attempts events that were held back until now for another reason than an attempt under way. No fetch took
// slots for them, so they have their own.
func (c *Consumer) resume(ctx context.Context, events []ready) {
	for _, e := range events {
		select {
		case c.extra <- struct{}{}:
		case <-ctx.Done():
			return
		}
		c.underway.Go(func() {
			c.runLine(e.user, e.delivery)
			<-c.extra
		})
	}
}

// watch stops waiting for what does not come again, and holds nothing back that is about to lapse, until ctx ends.
func (c *Consumer) watch(ctx context.Context) {
	for ctx.Err() == nil {
		wait(ctx, time.Second)
		for _, d := range c.order.lapsed() {
			d.bury(expired, errExpired)
		}
		if late := c.order.overdue(time.Now()); len(late) > 0 {
			c.log.Warn("an event did not come again; its user's others go on without it", "users", len(late))
			c.resume(ctx, late)
		}
	}
}

// longest is the longest step of the schedule.
func (c *Consumer) longest() (d time.Duration) {
	for _, step := range c.config.Retry {
		d = max(d, step)
	}
	return d
}
