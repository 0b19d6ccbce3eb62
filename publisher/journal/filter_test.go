package journal

import (
	"fmt"
	"testing"
	"time"
)

func TestFilter(t *testing.T) {
	f := newFilter()
	if f.lacks(hashOf("before it is ready")) {
		t.Error("it knows of what it has not seen before it is ready")
	}
	f.ready.Store(true)
	const n = 200_000
	for i := range n {
		f.add(hashOf(fmt.Sprint("in", i)))
	}
	maybe := 0
	for i := range n {
		if f.lacks(hashOf(fmt.Sprint("in", i))) {
			t.Fatalf("ID %d is lost", i)
		}
		if !f.lacks(hashOf(fmt.Sprint("out", i))) {
			maybe++
		}
	}
	if maybe > n/1000 {
		t.Errorf("%d of %d others may be there", maybe, n)
	}
}

// A journal that is opened again knows its IDs before, while and after the filter is filled.
func TestFilterIsFilled(t *testing.T) {
	j := start(t, nil)
	for i := range 100 {
		j.mustAppend(t, entry(Normal, fmt.Sprint(i)))
	}
	j.reopen(t)
	if got := j.mustAppend(t, entry(Normal, "0"), entry(Normal, "new")); got != 1 {
		t.Errorf("%d duplicates at once, want 1", got)
	}
	for deadline := time.Now().Add(10 * time.Second); !j.filter.ready.Load(); time.Sleep(time.Millisecond) { //nolint:forbidigo // between two looks, with a deadline
		if time.Now().After(deadline) {
			t.Fatal("it is never ready")
		}
	}
	for i := range 100 {
		if got := j.mustAppend(t, entry(Normal, fmt.Sprint(i))); got != 1 {
			t.Fatalf("ID %d is new", i)
		}
	}
	if got := j.mustAppend(t, entry(Normal, "new"), entry(Normal, "newer")); got != 1 {
		t.Errorf("%d duplicates, want 1", got)
	}
	if !j.filter.lacks(hashOf("never seen")) {
		t.Error("a new ID is looked up all the same")
	}
}
