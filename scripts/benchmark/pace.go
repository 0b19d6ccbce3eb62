package main

import (
	"sync/atomic"
	"time"
)

// A pace says when deliveries are due. All connections of a load share one.
type pace struct {
	begun, end time.Time
	rate       float64 // deliveries a second, answered or not (open loop); 0: as soon as a connection has its answer
	count      int64   // after so many it ends; 0: after the time alone
	given      atomic.Int64
}

// next waits until a delivery is due, and says when it was. False: there is none any more.
func (p *pace) next() (due time.Time, ok bool) {
	n := p.given.Add(1)
	if p.count > 0 && n > p.count {
		return due, false
	}
	due = time.Now()
	if p.rate > 0 {
		due = p.begun.Add(time.Duration(float64(n-1) / p.rate * float64(time.Second)))
	}
	if !due.Before(p.end) {
		return due, false
	}
	if wait := time.Until(due); wait > 0 {
		<-time.After(wait)
	}
	return due, true
}
