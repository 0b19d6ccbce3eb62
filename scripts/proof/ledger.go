package main

import (
	"maps"
	"strconv"
	"sync"
	"time"
)

// A ledger is what was sent and what was answered, noted by whoever got the answers. It outlives every forebay.
type ledger struct {
	begun time.Time

	mu       sync.Mutex
	events   map[string]*event // by Nats-Msg-Id
	accepted int
	answers  map[string]int
	problems []string
}

func newLedger() *ledger {
	return &ledger{begun: time.Now(), events: map[string]*event{}, answers: map[string]int{}}
}

// A mark is a moment of a ledger.
type mark int64

// mark is now. What was accepted before it must survive what happens after it.
func (l *ledger) mark() mark { return mark(time.Since(l.begun)) }

// noAnswer stands for a status where none came.
const noAnswer = 0

// sending notes that a delivery is about to be sent.
func (l *ledger) sending(d *delivery) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range d.events {
		if e.first == 0 {
			e.first, e.tampered = int64(l.mark()), d.tampered
			l.events[e.key] = e
		}
	}
}

// answer notes the status of an answer that was read whole, or noAnswer.
func (l *ledger) answer(d *delivery, status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers[answerName(status)]++
	switch success := succeeded(status); {
	case success && d.tampered:
		l.problem("a delivery of " + d.source.name + " that was tampered with was answered " + strconv.Itoa(status))
	case !success && !d.tampered && status/100 == 4:
		l.problem("a delivery of " + d.source.name + " that was rightly signed was answered " + strconv.Itoa(status))
	}
	for _, e := range d.events {
		l.note(e, status)
	}
}

func (l *ledger) note(e *event, status int) {
	switch {
	case succeeded(status):
		if e.answered == 0 && !e.tampered {
			e.answered = int64(l.mark())
			l.accepted++
		}
	case status/100 == 4:
		e.refused = true
	default:
		e.doubtful = true
	}
}

// problem keeps a few.
func (l *ledger) problem(text string) {
	if len(l.problems) < 10 {
		l.problems = append(l.problems, text)
	}
}

func succeeded(status int) bool { return status/100 == 2 }

func answerName(status int) string {
	if status == noAnswer {
		return "no answer"
	}
	return strconv.Itoa(status)
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

// answered gives how often there was which answer: "200", "503", "no answer".
func (l *ledger) answered() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.answers)
}
