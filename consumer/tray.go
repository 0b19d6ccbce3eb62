package consumer

import (
	"context"
	"sync"
	"time"
)

// A tray holds the deliveries that wait for our answer: attempts under way, and events that are held back. It also
// remembers the latest answers that ended an event's attempts: what the server sent again before it heard them is
// answered the same, and not handled again.
type tray struct {
	mu         sync.Mutex
	deliveries map[key]*delivery
	answers    map[key]answer
	latest     []key // of answers, a ring
	next       int
}

// A key tells messages apart. A stream that was made anew begins with the same sequences.
type key struct {
	seq    uint64
	stored int64 // Unix time in nanoseconds
}

// An answer ended the attempts of an event.
type answer struct {
	verdict verdict
	reason  string // of a dead letter
}

// answersKept bounds what a tray remembers: some hundred kilobytes.
const answersKept = 4096

func newTray() *tray {
	return &tray{deliveries: map[key]*delivery{}, answers: map[key]answer{}, latest: make([]key, answersKept)}
}

// add takes a delivery in. False: it is there already, and the later one took its place, or it was answered.
func (t *tray) add(d *delivery) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if earlier := t.deliveries[d.key]; earlier != nil {
		earlier.renew(d)
		return false
	}
	if a, ok := t.answers[d.key]; ok {
		_ = d.send(a) // if it gets lost again, the server asks again
		return false
	}
	t.deliveries[d.key] = d
	return true
}

// remove takes a delivery out, ahead of its answer.
func (t *tray) remove(d *delivery) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.deliveries, d.key)
}

// conclude takes a delivery out and remembers the answer that ends its attempts.
func (t *tray) conclude(d *delivery, a answer) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.deliveries, d.key)
	delete(t.answers, t.latest[t.next])
	t.answers[d.key], t.latest[t.next] = a, d.key
	t.next = (t.next + 1) % len(t.latest)
}

func (t *tray) all() []*delivery {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*delivery, 0, len(t.deliveries))
	for _, d := range t.deliveries {
		all = append(all, d)
	}
	return all
}

func (t *tray) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.deliveries)
}

// knows reports whether a message is in the tray, or was answered.
func (t *tray) knows(k key) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, answered := t.answers[k]
	return answered || t.deliveries[k] != nil
}

// pulse keeps the server from handing over again what is still being worked on, until ctx ends. Even half a step leaves
// it four chances.
func (c *Consumer) pulse(ctx context.Context) {
	shortest := c.step(1)
	for _, step := range c.config.Retry {
		shortest = min(shortest, step)
	}
	ticker := time.NewTicker(shortest / 8)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			for _, d := range c.tray.all() {
				d.beat(now)
			}
		}
	}
}
