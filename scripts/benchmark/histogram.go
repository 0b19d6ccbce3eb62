package main

import (
	"math/bits"
	"time"
)

// A histogram counts times in buckets, 64 to each power of two: a quantile is right to within 1/64.
type histogram struct {
	buckets [64 * 36]uint64 // up to a minute and more
	count   uint64
}

func bucketOf(d time.Duration) int {
	n := uint64(max(d, 0))
	if n < 128 {
		return int(n)
	}
	shift := bits.Len64(n) - 7
	return min(64*shift+int(n>>shift), len(histogram{}.buckets)-1)
}

// lowest is the shortest time of a bucket.
func lowest(bucket int) time.Duration {
	if bucket < 128 {
		return time.Duration(bucket)
	}
	shift := bucket/64 - 1
	return time.Duration(bucket-64*shift) << shift
}

func (h *histogram) add(d time.Duration) {
	h.buckets[bucketOf(d)]++
	h.count++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other.buckets {
		h.buckets[i] += n
	}
	h.count += other.count
}

// quantile is the time that the share q of all times does not exceed. Zero: there are none.
func (h *histogram) quantile(q float64) time.Duration {
	if h.count == 0 {
		return 0
	}
	rank, seen := uint64(q*float64(h.count-1))+1, uint64(0)
	for i, n := range h.buckets {
		if seen += n; seen >= rank {
			return lowest(i+1) - 1
		}
	}
	return lowest(len(h.buckets))
}
