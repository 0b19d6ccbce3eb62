package consumer

import (
	"cmp"
	"slices"
	"sync"
	"time"
)

// An order makes the events of one user come one at a time and in the order of the stream. An event that comes while an
// earlier one of its user is not done is held back here, with signs of life for the server, so that no attempt is spent
// on it. The earlier one's next attempt comes from the server, which serves it however many events are held back:
// JetStream's max_ack_pending, which bounds them, holds back only what was never handed over.
type order struct {
	mu    sync.Mutex
	lines map[string]*line // by user
	held  int
	blind uint64 // a survey found too much to tell users apart: everything waits until all up to this sequence is settled
}

// A line is what is known of one user's events.
type line struct {
	busy    bool        // an attempt is under way
	waiting []*delivery // held back, by sequence
	open    []opening   // handed over, not done, and not here, by sequence
}

// An opening is an event that the server is going to hand over again.
type opening struct {
	seq      uint64
	due      time.Time // when to stop waiting for it
	surveyed bool      // it may be done already: an earlier life, or a lost connection, left it behind
}

// admit takes a delivery in and gives what is to be attempted now, if anything.
func (o *order) admit(user string, d *delivery) *delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.line(user)
	l.close(d.seq)
	i, _ := l.find(d.seq)
	l.waiting = slices.Insert(l.waiting, i, d)
	o.held++
	return o.next(user, l)
}

// done ends an attempt and gives the user's next. due tells until when to wait for the event to come again; zero: it
// will not.
func (o *order) done(user string, d *delivery, due time.Time) *delivery {
	o.mu.Lock()
	defer o.mu.Unlock()
	l := o.line(user)
	l.busy = false
	if _, back := l.find(d.seq); !due.IsZero() && !back {
		l.add(opening{seq: d.seq, due: due})
	}
	return o.next(user, l)
}

// next takes the user's next event out, unless it has to wait.
func (o *order) next(user string, l *line) *delivery {
	if !l.busy && len(l.waiting) == 0 && len(l.open) == 0 {
		delete(o.lines, user)
		return nil
	}
	if o.blind > 0 || l.busy || len(l.waiting) == 0 {
		return nil
	}
	d := l.waiting[0]
	if len(l.open) > 0 && l.open[0].seq < d.seq {
		return nil
	}
	l.busy = true
	l.waiting = l.waiting[1:]
	o.held--
	return d
}

func (o *order) line(user string) *line {
	l := o.lines[user]
	if l == nil {
		l = &line{}
		o.lines[user] = l
	}
	return l
}

// find tells where among the waiting a sequence is, or belongs.
func (l *line) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(l.waiting, seq, func(d *delivery, seq uint64) int { return cmp.Compare(d.seq, seq) })
}

func (l *line) add(p opening) {
	i, found := slices.BinarySearchFunc(l.open, p.seq, func(p opening, seq uint64) int { return cmp.Compare(p.seq, seq) })
	if !found {
		l.open = slices.Insert(l.open, i, p)
	}
}

func (l *line) close(seq uint64) {
	l.open = slices.DeleteFunc(l.open, func(p opening) bool { return p.seq == seq })
}

// A ready event may be attempted.
type ready struct {
	user string
	*delivery
}

// sweep closes what keep does not keep, and gives what may be attempted then.
func (o *order) sweep(keep func(opening) bool) (all []ready) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for user, l := range o.lines {
		l.open = slices.DeleteFunc(l.open, func(p opening) bool { return !keep(p) })
		if d := o.next(user, l); d != nil {
			all = append(all, ready{user, d})
		}
	}
	return all
}

// overdue stops waiting for events that should have come again long ago: the stream has forgotten them, or another
// client of the durable took them.
func (o *order) overdue(now time.Time) []ready {
	return o.sweep(func(p opening) bool { return p.surveyed || now.Before(p.due) })
}

// lapsed takes out what is held back and must be decided now, whatever its user's earlier events do.
func (o *order) lapsed() (all []*delivery) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lines {
		l.waiting = slices.DeleteFunc(l.waiting, func(d *delivery) bool {
			late := d.lapsed(0)
			if late {
				all = append(all, d)
			}
			return late
		})
	}
	o.held -= len(all)
	return all
}

// surveyed notes events up to cut that may have been handed over and are perhaps not done. blind: there are too many.
func (o *order) surveyed(users map[string][]uint64, cut uint64, blind bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if blind {
		o.blind = max(o.blind, cut)
	}
	for user, seqs := range users {
		for _, seq := range seqs {
			o.line(user).add(opening{seq: seq, surveyed: true})
		}
	}
}

// settle closes surveyed events up to floor, below which all are done, and all of them once nothing is pending at the
// server but what is known here: then the survey is settled. It gives what may be attempted now.
func (o *order) settle(floor uint64, pending, inTray int) (events []ready, settled bool) {
	settled = pending <= inTray+o.awaited()
	o.mu.Lock()
	if settled || floor >= o.blind {
		o.blind = 0
	}
	o.mu.Unlock()
	return o.sweep(func(p opening) bool { return !p.surveyed || !settled && p.seq > floor }), settled
}

// awaited counts the events whose next attempt the server owes us.
func (o *order) awaited() (n int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, l := range o.lines {
		for _, p := range l.open {
			if !p.surveyed {
				n++
			}
		}
	}
	return n
}

func (o *order) holding() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held
}
