package consumer

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"
)

// A Failure is an attempt without success, or what else kept a consumer from its work.
type Failure struct {
	Consumer string
	Reason   string // what the handler said, or what the dead letter is going to say; one line of 512 bytes at most
	Seq      uint64 // of the event, in the stream; 0: it was no attempt
	Attempt  int    // 1 is the first; 0: it was no attempt
	Time     time.Time
}

// Failures remembers the last failure of each consumer. A dead letter says why an event was given up; this says why one
// has to wait. The zero value is ready, and several consumers may share it.
type Failures struct {
	mu   sync.Mutex
	last map[string]Failure // by the name of the consumer
}

// Last is the last failure of each consumer that had one, by name, also where other attempts had success since.
func (f *Failures) Last() []Failure {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.SortedFunc(maps.Values(f.last), func(a, b Failure) int { return cmp.Compare(a.Consumer, b.Consumer) })
}

// Note remembers a failure. Consumers do so by themselves; it is there for what else keeps one from its work.
func (f *Failures) Note(failure Failure) {
	failure.Reason = oneLine(failure.Reason)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.last == nil {
		f.last = map[string]Failure{}
	}
	f.last[failure.Consumer] = failure
}

// fail remembers how an attempt ended.
func (c *Consumer) fail(d *delivery, v verdict, because error) {
	if c.config.Failures == nil {
		return
	}
	_, attempt := d.now()
	text := because.Error()
	if v != retried && v != postponed {
		text = reason(v, because)
	}
	c.config.Failures.Note(Failure{c.config.Name, text, d.seq, attempt, c.config.Now()})
}
