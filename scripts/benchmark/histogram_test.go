package main

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// A quantile is never below the true one, and above it by no more than the width of a bucket.
func TestQuantilesAreRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(0, int64(30*time.Second)), 1, 300).Draw(t, "times")
		q := rapid.Float64Range(0, 1).Draw(t, "q")
		var h, other histogram
		for i, n := range times {
			[]*histogram{&h, &other}[i%2].add(time.Duration(n))
		}
		h.merge(&other)
		slices.Sort(times)
		want := times[int(q*float64(len(times)-1))]
		if got := int64(h.quantile(q)); got < want || got > want+want/64+1 {
			t.Fatalf("quantile %v = %d, want %d", q, got, want)
		}
	})
}

func TestTimesBeyondTheLastBucketCount(t *testing.T) {
	var h histogram
	h.add(time.Hour)
	if got := h.quantile(1); got < time.Minute {
		t.Errorf("quantile = %s", got)
	}
}
