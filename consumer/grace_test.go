package consumer

import (
	"testing"
	"time"
)

// An attempt that is broken off at a stop may leave in doubt whether its work was done: it gets its own time.
func TestGraceFollowsTheTimeout(t *testing.T) {
	for _, test := range []struct{ timeout, grace, want time.Duration }{
		{0, 0, 30 * time.Second},
		{20 * time.Second, 0, 20 * time.Second},
		{5 * time.Minute, 0, 30 * time.Second},
		{20 * time.Second, time.Second, time.Second},
	} {
		if got := (Config{Timeout: test.timeout, Grace: test.grace}).complete().Grace; got != test.want {
			t.Errorf("timeout %s, grace %s: got %s, want %s", test.timeout, test.grace, got, test.want)
		}
	}
}
