package journal

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// A clock never goes back, over restarts neither, as far as the dedupe index can tell: if the machine's clock is set back
// over the border of a bucket, IDs of the bucket before would be looked for in the wrong place.
type clock struct {
	mu   sync.Mutex
	last time.Time
}

func (c *clock) advance(t time.Time) time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.After(c.last) {
		c.last = t
	}
	return c.last
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

// restoreClock starts the clock no earlier than the newest bucket.
func (j *Journal) restoreClock() error {
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableID}, UpperBound: []byte{tableID + 1}})
	if err != nil {
		return fmt.Errorf("read dedupe index: %w", err)
	}
	defer it.Close()
	if it.Last() && len(it.Key()) == 21 {
		bucket := binary.BigEndian.Uint32(it.Key()[1:])
		j.clock.advance(time.UnixMilli(int64(bucket) * bucketWidth.Milliseconds()))
	}
	j.clock.advance(j.config.Now())
	return it.Error()
}
