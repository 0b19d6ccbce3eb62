package main

import (
	"fmt"
	"io"
	"time"
)

// A tally is what a proof counted. Events, all of them.
type tally struct {
	Rounds     int
	Accepted   int // a success was read whole
	InStream   int // different ones
	Lost       int // accepted, and not in the stream
	Twice      int // in the stream more often than once
	Disordered int // of one source and lane, behind one that was first sent after its answer was there
	Forged     int // in the stream, and never sent, or tampered with, or refused by every answer
	Garbled    int // in the stream with another subject or another payload than was sent
	Recovered  time.Duration
	Memory     int64 // bytes, of forebay, at most; 0: nobody looked
	Overtaken  int   // percent of the normal backlog that came after the urgent events that were sent behind it

	problems []string // what else was not as promised
	more     int      // problems that are not in the list
}

// add adds what a part of a proof counted.
func (t *tally) add(o *tally) {
	t.Rounds += o.Rounds
	t.Accepted += o.Accepted
	t.InStream += o.InStream
	t.Lost += o.Lost
	t.Twice += o.Twice
	t.Disordered += o.Disordered
	t.Forged += o.Forged
	t.Garbled += o.Garbled
	t.Recovered = max(t.Recovered, o.Recovered)
	t.Memory = max(t.Memory, o.Memory)
	t.Overtaken = max(t.Overtaken, o.Overtaken)
	t.more += o.more
	for _, p := range o.problems {
		t.violate("%s", p)
	}
}

// violate notes a promise that was broken in a way that has no number.
func (t *tally) violate(format string, args ...any) {
	if len(t.problems) >= 20 {
		t.more++
		return
	}
	t.problems = append(t.problems, fmt.Sprintf(format, args...))
}

func (t *tally) violated() bool {
	return t.Lost+t.Twice+t.Disordered+t.Forged+t.Garbled+len(t.problems) > 0
}

// print writes the one line of a proof, and what is wrong below it.
func (t *tally) print(w io.Writer, name string, seed uint64) {
	verdict := "ok"
	if t.violated() {
		verdict = "FAILED"
	}
	fmt.Fprintf(w, "%s: %s, seed %d, rounds %d, accepted %d, in the stream %d, lost %d, twice %d, out of order %d, forged %d, garbled %d, recovered in %s",
		name, verdict, seed, t.Rounds, t.Accepted, t.InStream, t.Lost, t.Twice, t.Disordered, t.Forged, t.Garbled,
		t.Recovered.Round(10*time.Millisecond))
	if t.Memory > 0 {
		fmt.Fprintf(w, ", memory %d MB", t.Memory>>20)
	}
	if t.Overtaken > 0 {
		fmt.Fprintf(w, ", overtaken %d%%", t.Overtaken)
	}
	fmt.Fprintln(w)
	for _, p := range t.problems {
		fmt.Fprintf(w, "  %s\n", p)
	}
	if t.more > 0 {
		fmt.Fprintf(w, "  and %d more\n", t.more)
	}
}
