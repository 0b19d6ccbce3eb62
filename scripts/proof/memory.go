package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// mostMemory is what forebay may be resident with, whatever the backlog, also while it takes in and publishes as fast as it
// can; scripts/bench has the goal for calmer times.
const mostMemory = 256 << 20

// A memory is how large forebay was, second by second.
type memory struct {
	trial   *trial
	mu      sync.Mutex
	samples []int64 // bytes
	stop    context.CancelFunc
}

// watchMemory looks until judge.
func (t *trial) watchMemory(ctx context.Context) *memory {
	ctx, stop := context.WithCancel(ctx)
	m := &memory{trial: t, stop: stop}
	go func() {
		look := time.NewTicker(200 * time.Millisecond)
		defer look.Stop()
		for {
			select {
			case <-look.C:
				m.sample()
			case <-ctx.Done():
				return
			}
		}
	}()
	return m
}

func (m *memory) sample() {
	size, err := m.trial.daemon.resident()
	if err != nil {
		return // it is being started
	}
	m.mu.Lock()
	m.samples = append(m.samples, size)
	m.mu.Unlock()
}

// judge ends the watch. Memory must stay below its bound.
func (m *memory) judge(sum *tally) {
	m.stop()
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.samples) == 0 {
		sum.violate("the memory of forebay was never seen")
		return
	}
	most := slices.Max(m.samples)
	m.trial.say("memory, from beginning to end: %s", m.course(20))
	sum.Memory = max(sum.Memory, most)
	if most > mostMemory {
		sum.violate("forebay took %d MB of memory, want %d at most", most>>20, mostMemory>>20)
	}
}

// course gives a few samples, evenly spread, the largest of each span, in megabytes.
func (m *memory) course(n int) string {
	var b strings.Builder
	for span := range slices.Chunk(m.samples, len(m.samples)/n+1) {
		fmt.Fprintf(&b, " %d", slices.Max(span)>>20)
	}
	return b.String() + " MB"
}
