package publisher

import (
	"testing"

	"pgregory.net/rapid"
)

func TestBitsAreASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Uint64Range(1, 1<<40).Draw(t, "base")
		added := rapid.SliceOf(rapid.Uint64Range(0, 2000)).Draw(t, "added")
		var b bits
		b.reset(base)
		want := map[uint64]bool{}
		for _, n := range added {
			b.add(base + n)
			want[base+n] = true
		}
		b.add(base - 1) // before the base: passed over
		for seq := base - 1; seq < base+2100; seq++ {
			if b.has(seq) != want[seq] {
				t.Fatalf("has(base+%d) = %v", seq-base, b.has(seq))
			}
		}
	})
}
