package ingress

import (
	"errors"
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Three limits, each answered 503 with Retry-After:
//
//   - Limits.Concurrent bounds the deliveries under way on the whole listener, before their bodies are read. The last
//     quarter of the places is for sources that hold less than an equal share of all: a flood at one source, however
//     many addresses it comes from, leaves the others room.
//   - Limits.Rate bounds the verified deliveries of a source. It counts after Verify, so that a stranger who floods a
//     source's path uses up nothing of what the source may send.
//   - Strangers are held by what they get wrong. Every delivery that is not verified, or does not arrive whole, is
//     charged to its address and source. An address in debt is refused before its body is read, but only while the
//     listener is crowded: a source with a wrong secret, or one that shares its address with a stranger, loses
//     nothing as long as there is room.

func (l Limits) check() error {
	if l.Body <= 0 || l.Body == math.MaxInt64 {
		return errors.New("limits: body must be a number of bytes above zero")
	}
	if l.Rate < 0 || l.Burst < 0 || l.Concurrent < 0 {
		return errors.New("limits: rate, burst and concurrent must not be negative")
	}
	return nil
}

// per gives the two numbers of a token bucket.
func (l Limits) per() (rate.Limit, int) {
	if l.Rate == 0 {
		return rate.Inf, 0
	}
	if l.Burst == 0 {
		return rate.Limit(l.Rate), int(math.Ceil(l.Rate))
	}
	return rate.Limit(l.Rate), l.Burst
}

func newBucket(l Limits) *rate.Limiter { return rate.NewLimiter(l.per()) }

func setBucket(b *rate.Limiter, l Limits, now time.Time) {
	limit, burst := l.per()
	b.SetLimitAt(now, limit)
	b.SetBurstAt(now, burst)
}

// equalShare is how many places each source has when all are wanted.
func (l Limits) equalShare(sources int) int64 { return int64(max(1, l.Concurrent/max(1, sources))) }

// enter takes a place among the deliveries under way; leave gives it back.
func (s *source) enter() bool {
	most, own, all := int64(s.limits.Concurrent), s.places.Add(1), s.in.underway.Add(1)
	if most == 0 || all <= most-most/4 || all <= most && own <= s.share {
		return true
	}
	s.leave()
	return false
}

func (s *source) leave() {
	s.in.underway.Add(-1)
	s.places.Add(-1)
}

// crowded reports whether more than an eighth of the places are taken. Honest senders rarely take more.
func (in *Ingress) crowded(most int) bool {
	return most > 0 && in.underway.Load() >= int64(max(1, most/8))
}

// What strangers may get wrong: 100 at once, 5 a second after that. Memory is bounded by strangersKept entries.
const (
	strangerCost  = time.Second / 5
	strangerDebt  = 100 * strangerCost
	strangersKept = 8192
)

// A stranger is who a failed delivery is charged to: an IPv4 address or the /64 that one IPv6 customer has, at one
// source.
type stranger struct {
	source string
	from   netip.Prefix
}

// strangers keeps, per stranger, the time at which its debt is paid: each failure moves it strangerCost ahead.
type strangers struct {
	mu    sync.Mutex
	clear map[stranger]time.Time
}

func (t *strangers) charge(who stranger, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.clear == nil {
		t.clear = make(map[stranger]time.Time)
	}
	clearAt, known := t.clear[who]
	if !known && len(t.clear) >= strangersKept {
		t.forgetOne()
	}
	if clearAt.Before(now) {
		clearAt = now
	}
	if clearAt.Sub(now) < strangerDebt {
		clearAt = clearAt.Add(strangerCost)
	}
	t.clear[who] = clearAt
}

// forgetOne makes room. Which one goes is left to chance, so that nobody can choose it.
func (t *strangers) forgetOne() {
	for who := range t.clear {
		delete(t.clear, who)
		return
	}
}

func (t *strangers) spent(who stranger, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.clear[who].Sub(now) > strangerDebt-strangerCost
}
