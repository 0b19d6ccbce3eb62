package journal

import (
	"encoding/binary"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
)

// A filter knows of most IDs that they are not in the dedupe index, so that a new one, as nearly all are, costs no look-up.
// It is a Bloom filter whose bits of one ID share a cache line. Its size is fixed: past filterRoom IDs it says maybe more
// and more often, and the index answers as it would have without it.
type filter struct {
	words []uint64
	ready atomic.Bool // it has every ID that was in the index when it was made
	stop  atomic.Bool // nobody asks it any more
	added int         // by the committer
}

const (
	filterWords = 1 << 21 // 16 MiB
	filterRoom  = filterWords * 64 / 8
	filterMost  = 2 * filterRoom // IDs: one in five that are new would be a maybe, and more as they become more
	filterBits  = 6              // of an ID
)

func newFilter() *filter { return &filter{words: make([]uint64, filterWords)} }

// add may be called by two goroutines: the committer, and the one that fills.
func (f *filter) add(h hash) {
	line, bits := f.line(h)
	for range filterBits {
		atomic.OrUint64(&line[bits>>6&7], 1<<(bits&63))
		bits >>= 9
	}
}

// lacks reports whether an ID is certainly not in the index.
func (f *filter) lacks(h hash) bool {
	if !f.ready.Load() {
		return false
	}
	line, bits := f.line(h)
	for range filterBits {
		if atomic.LoadUint64(&line[bits>>6&7])&(1<<(bits&63)) == 0 {
			return true
		}
		bits >>= 9
	}
	return false
}

// line is where the bits of an ID are, and which they are: nine bits of the number for each.
func (f *filter) line(h hash) (line []uint64, bits uint64) {
	at := binary.LittleEndian.Uint64(h[:]) % (filterWords / 8) * 8
	return f.words[at : at+8 : at+8], binary.LittleEndian.Uint64(h[8:])
}

// renewFilter begins a filter and fills it with what the index holds now. The committer calls it, or what opens the
// journal, so that every ID is either there now or added later.
func (j *Journal) renewFilter() error {
	f := newFilter()
	x := j.index()
	if err := x.open(); err != nil {
		return err
	}
	j.filter.stop.Store(true)
	j.filter = f
	j.filling.Go(func() {
		defer x.close()
		f.ready.Store(f.fill(x.it))
	})
	return nil
}

// fill reports whether it could add all IDs of the index, and is worth asking then.
func (f *filter) fill(it *pebble.Iterator) bool {
	n := 0
	for ok := it.First(); ok; ok = it.Next() {
		if n++; n > filterMost || f.stop.Load() || len(it.Key()) != idKeyLen {
			return false
		}
		f.add(hash(it.Key()[5:]))
	}
	return it.Error() == nil
}
