package ingress_test

import (
	"fmt"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/forebayhq/forebay/ingress"
	"github.com/forebayhq/forebay/provider"
)

// TestRate: a source that sends more than its rate is asked to wait, and time lets it go on.
func TestRate(t *testing.T) {
	var now atomic.Pointer[time.Time]
	now.Store(&noon)
	b := newBench(t, fake{}, func(b *bench) {
		b.config.Limits.Rate, b.config.Limits.Burst = 1, 3
		b.config.Now = func() time.Time { return *now.Load() }
	})
	send := func(id int) int { return b.post(fmt.Sprintf(`{"id":"%d"}`, id)).status }
	for i := range 3 {
		if got := send(i); got != 200 {
			t.Fatalf("delivery %d of the burst: got %d", i, got)
		}
	}
	got := b.post(`{"id":"4"}`)
	if got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("over the rate: got %d with %v", got.status, got.header)
	}
	later := noon.Add(time.Second)
	now.Store(&later)
	if got := send(5); got != 200 {
		t.Errorf("a second later: got %d, want 200", got)
	}
}

// TestReloadLimits: new limits count at once, and a reload gives no second burst.
func TestReloadLimits(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) { b.config.Limits.Rate, b.config.Limits.Burst = 1, 3 })
	limits := b.config.Limits
	reload := func() {
		if err := b.in.Reload(b.config.Sources, limits); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 3 {
		if got := b.post(fmt.Sprintf(`{"id":"%d"}`, i)); got.status != 200 {
			t.Fatalf("delivery %d of the burst: got %d", i, got.status)
		}
	}
	reload()
	if got := b.post(`{"id":"4"}`); got.status != 503 {
		t.Errorf("after a reload: got %d, want 503", got.status)
	}
	limits.Rate, limits.Body = 0, 10
	reload()
	if got := b.post(`{"id":"4"}`); got.status != 200 {
		t.Errorf("unlimited: got %d, want 200", got.status)
	}
	if got := b.post(`{"id":"55"}`); got.status != 413 {
		t.Errorf("a smaller body limit: got %d, want 413", got.status)
	}
}

// TestStrangersCannotStarve: what fails verification uses up nothing of what the source may send.
func TestStrangersCannotStarve(t *testing.T) {
	b := newBench(t, fake{}, func(b *bench) { b.config.Limits.Rate, b.config.Limits.Burst = 1, 2 })
	for range 300 {
		if got := b.post(`{"id":"1"}`, "X-Signature: wrong"); got.status != 401 {
			t.Fatalf("stranger: got %d, want 401", got.status)
		}
	}
	for i := range 2 {
		if got := b.post(fmt.Sprintf(`{"id":"%d"}`, i)); got.status != 200 {
			t.Errorf("source: got %d, want 200", got.status)
		}
	}
}

// TestConcurrent: over the bound is 503 at once, and a place that is given back can be taken.
func TestConcurrent(t *testing.T) {
	begun, finish := make(chan struct{}, 8), make(chan struct{})
	b := newBench(t, fake{verify: func(provider.Request) error { begun <- struct{}{}; <-finish; return nil }},
		func(b *bench) { b.config.Limits.Concurrent = 2 })
	answers := make(chan reply, 2)
	for i := range 2 {
		go func() { answers <- b.post(fmt.Sprintf(`{"id":"%d"}`, i)) }()
		<-begun
	}
	if got := b.post(`{"id":"3"}`); got.status != 503 || got.header.Get("Retry-After") == "" {
		t.Errorf("over the bound: got %d with %v", got.status, got.header)
	}
	close(finish)
	for range 2 {
		if got := <-answers; got.status != 200 {
			t.Errorf("within the bound: got %d", got.status)
		}
	}
	if got := b.post(`{"id":"3"}`); got.status != 200 {
		t.Errorf("afterwards: got %d, want 200", got.status)
	}
}

// TestFloodOfOneSource: a source that takes all it can get leaves places for another, and gets them back later.
func TestFloodOfOneSource(t *testing.T) {
	begun, finish := make(chan struct{}, 8), make(chan struct{})
	slow := fake{verify: func(provider.Request) error { begun <- struct{}{}; <-finish; return nil }}
	b := newBench(t, slow, func(b *bench) {
		b.config.Limits.Concurrent = 8
		b.config.Sources = append(b.config.Sources,
			ingress.Source{Name: "other", ProviderName: "fake", Path: "/webhooks/other", Provider: fake{}})
	})
	answers := make(chan reply, 8)
	for i := range 8 {
		go func() { answers <- b.post(fmt.Sprintf(`{"id":"%d"}`, i)) }()
	}
	for range 6 {
		<-begun
	}
	for range 2 {
		select {
		case got := <-answers:
			if got.status != 503 {
				t.Errorf("the flood, beyond three quarters of all places: got %d, want 503", got.status)
			}
		case <-begun:
			t.Error("the flood took a place in the last quarter")
		}
	}
	if got := b.send("POST", "/webhooks/other", strings.NewReader(`{"id":"8"}`)); got.status != 200 {
		t.Errorf("another source: got %d, want 200", got.status)
	}
	close(finish)
	for range 6 {
		if got := <-answers; got.status != 200 {
			t.Errorf("within the bound: got %d", got.status)
		}
	}
	if got := b.post(`{"id":"9"}`); got.status != 200 {
		t.Errorf("afterwards: got %d, want 200", got.status)
	}
}

// TestStrangersWhenCrowded: an address that got much wrong is refused while others are being served, and only it.
func TestStrangersWhenCrowded(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	verify := func(r provider.Request) error {
		if r.Header.Get("X-Slow") != "" {
			close(begun)
			<-finish
		}
		return fake{}.Verify(r)
	}
	b := newBench(t, fake{verify: verify}, func(b *bench) {
		b.config.Limits.Concurrent = 8
		b.config.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	})
	const stranger, honest = "X-Forwarded-For: 192.0.2.66", "X-Forwarded-For: 192.0.2.66, 198.51.100.1"
	for range 100 {
		if got := b.post(`{}`, "X-Signature: wrong", stranger); got.status != 401 {
			t.Fatalf("while there is room: got %d, want 401", got.status)
		}
	}
	if got := b.post(`{"id":"1"}`, stranger); got.status != 200 {
		t.Errorf("signed, while there is room: got %d, want 200", got.status)
	}
	answer := make(chan reply)
	go func() { answer <- b.post(`{"id":"2"}`, "X-Slow: yes", honest) }()
	<-begun
	if got := b.post(`{}`, "X-Signature: wrong", stranger); got.status != 503 {
		t.Errorf("stranger in a crowd: got %d, want 503", got.status)
	}
	if got := b.post(`{"id":"3"}`, honest); got.status != 200 {
		t.Errorf("another address in a crowd: got %d, want 200", got.status)
	}
	close(finish)
	if got := <-answer; got.status != 200 {
		t.Errorf("the slow one: got %d", got.status)
	}
	eventually(t, "outcome limited", func() bool { return b.count("forebay_deliveries_total", "limited", "test") == 1 })
}
