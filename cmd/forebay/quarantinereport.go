package main

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/forebayhq/forebay/schema"
)

// A released delivery is what release prints for programs: out of quarantine, or still there and why. With --dry-run it
// is what would be.
type released struct {
	listed
	Released bool            `json:"released"`
	Events   []releasedEvent `json:"events,omitempty"`
}

// A releasedEvent is one event of a delivery.
type releasedEvent struct {
	ID      string          `json:"id"` // "<source>/<event id>"
	Action  string          `json:"action"`
	Subject string          `json:"subject"`
	State   eventState      `json:"state"`
	Event   json.RawMessage `json:"event,omitempty"` // as it would be published
}

// An eventState is what became of an event.
type eventState string

const (
	accepted eventState = "accepted" // flushed to the journal, or acknowledged by the stream
	present  eventState = "present"  // it was stored before
	ready    eventState = "ready"    // dry run: would be stored
)

func eventOf(m schema.Message) releasedEvent {
	return releasedEvent{ID: m.ID, Action: string(m.Action), Subject: m.Subject}
}

// A releaseReport prints deliveries as they are released.
type releaseReport struct {
	out      screen
	progress screen
	json     bool
	dry      bool
	count    int

	done, stayed int
	events       map[eventState]int
	shown        time.Time
}

func (r *releaseReport) add(d released) error {
	r.done++
	if !d.Released {
		r.stayed++
	}
	if r.events == nil {
		r.events = map[eventState]int{}
	}
	for _, e := range d.Events {
		r.events[e.State]++
	}
	r.clear()
	if r.json {
		return r.out.json(d)
	}
	if err := r.print(d); err != nil {
		return err
	}
	r.working("%d of %d deliveries", r.done, r.count)
	return nil
}

// print prints a delivery on one line, and each of its events or the reason on another.
func (r *releaseReport) print(d released) error {
	state, paint := "stays   ", red
	switch {
	case d.Released && r.dry:
		state, paint = "readable", green
	case d.Released:
		state, paint = "released", green
	}
	name := d.ID
	if name == "" {
		name = fmt.Sprintf("#%d", d.Seq)
	}
	_, err := fmt.Fprintf(r.out, "%s  %s  %s  %s\n", r.out.paint(paint, state),
		r.out.paint(dim, column(moment(d.Received), 12)), column(d.Source, 8), printable(name))
	for _, e := range d.Events {
		fmt.Fprintf(r.out, "  %s  %s  %s\n", column(string(e.State), 8), r.out.paint(cyan, printable(e.Subject)), printable(e.ID))
	}
	switch {
	case !d.Released:
		fmt.Fprintf(r.out, "  %s\n", printable(d.Reason))
	case len(d.Events) == 0:
		fmt.Fprintln(r.out, "  no events")
	}
	return err
}

// finish prints the sum. That something stays is an error.
func (r *releaseReport) finish() error {
	r.clear()
	if !r.json {
		verb := "released"
		if r.dry {
			verb = "readable"
		}
		fmt.Fprintf(r.out, "%d deliveries: %d %s, %d not; events: %s\n", r.done, r.done-r.stayed, verb, r.stayed, r.sum())
	}
	if r.stayed > 0 {
		return fmt.Errorf("quarantine release: %d of %d deliveries cannot be released and stay", r.stayed, r.done)
	}
	return nil
}

func (r *releaseReport) sum() string {
	if r.dry {
		return fmt.Sprintf("%d would be published, %d are in the stream already", r.events[ready], r.events[present])
	}
	return fmt.Sprintf("%d accepted, %d were stored before", r.events[accepted], r.events[present])
}

// working shows on a terminal what is being done, ten times a second at the most.
func (r *releaseReport) working(format string, args ...any) {
	if r.progress.terminal && time.Since(r.shown) > 100*time.Millisecond {
		r.shown = time.Now()
		fmt.Fprintf(r.progress, "\r\x1b[K"+format, args...)
	}
}

// clear takes that away.
func (r *releaseReport) clear() {
	if r.progress.terminal && !r.shown.IsZero() {
		fmt.Fprint(r.progress, "\r\x1b[K")
	}
}
