package journal

import (
	"runtime"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// groupBytes and groupRequests bound one commit; what waits beyond them shares the next flush.
const (
	groupBytes    = 4 << 20
	groupRequests = 1024
)

// expireEvery is how often the dedupe index is looked over for buckets that are past.
const expireEvery = time.Hour

// commitLoop is the only writer of records.
func (j *Journal) commitLoop() {
	expire := time.NewTicker(expireEvery)
	defer expire.Stop()
	if err := j.renewFilter(); err != nil {
		j.config.Log.Error("dedupe index is read without a filter", "err", err)
	}
	g := group{ids: make(map[hash]struct{})}
	for {
		select {
		case first := <-j.requests:
			j.gather(&g, first)
		case <-expire.C:
			if err := j.expire(); err != nil {
				j.config.Log.Error("dedupe index does not expire", "err", err)
			}
			continue
		case <-j.closing:
			j.refuseRest()
			return
		}
		err := j.commit(&g)
		for i, r := range g.requests {
			r.result <- result{g.duplicates[i], err}
		}
		g.reset()
	}
}

// A group is the requests that share a flush.
type group struct {
	requests   []*request
	duplicates []int // by request
	ids        map[hash]struct{}
	records    [lanes][]Record
	bytes      int
}

func (g *group) reset() {
	clear(g.requests)
	clear(g.ids)
	for l := range g.records {
		clear(g.records[l])
		g.records[l] = g.records[l][:0]
	}
	g.requests, g.duplicates, g.bytes = g.requests[:0], g.duplicates[:0], 0
}

// gather takes whoever waits, and gives those that are about to store a chance to come along: the flush is what costs.
func (j *Journal) gather(g *group, first *request) {
	g.add(first)
	for range 4 {
		runtime.Gosched()
		j.drain(g)
	}
}

func (j *Journal) drain(g *group) {
	for len(g.requests) < groupRequests && g.bytes < groupBytes {
		select {
		case r := <-j.requests:
			g.add(r)
		default:
			return
		}
	}
}

func (g *group) add(r *request) {
	g.requests, g.duplicates = append(g.requests, r), append(g.duplicates, 0)
	for i := range r.entries {
		g.bytes += r.entries[i].size
	}
}

// commit writes the group's new records and their IDs in one batch, flushes it, and only then shows them to readers.
func (j *Journal) commit(g *group) error {
	if err := j.disk.reserve(g.bytes); err != nil {
		return err
	}
	b := j.db.NewBatchWithSize(g.bytes + 4096)
	defer b.Close()
	ids := j.index()
	defer ids.close()
	next := j.ends()
	for n, r := range g.requests {
		now := j.clock.advance(r.now)
		for i := range r.entries {
			fresh, err := j.stage(b, g, ids, &next, &r.entries[i], now)
			if err != nil {
				return err
			}
			if !fresh {
				g.duplicates[n]++
			}
		}
	}
	if err := b.Commit(flushed()); err != nil {
		return err
	}
	for l := range g.records {
		j.publish(Lane(l), g.records[l])
	}
	return nil
}

// stage adds one entry to the batch, unless it is a duplicate.
func (j *Journal) stage(
	b *pebble.Batch, g *group, ids *index, next *[lanes]end, e *Entry, now time.Time,
) (fresh bool, err error) {
	h := hashOf(e.Message.ID)
	if _, ok := g.ids[h]; ok {
		return false, nil
	}
	if !j.filter.lacks(h) {
		if seen, err := ids.seen(h, now, e.Horizon); err != nil || seen {
			return false, err
		}
	}
	j.filter.add(h)
	j.filter.added++
	end := &next[e.Lane]
	end.seq++
	end.bytes += int64(e.size)
	record := Record{Lane: e.Lane, Seq: end.seq, Accepted: now, Message: e.Message, size: e.size}
	g.ids[h] = struct{}{}
	g.records[e.Lane] = append(g.records[e.Lane], record)
	if err := setRecord(b, &record, end.bytes); err != nil {
		return false, err
	}
	return true, setID(b, h, now, record.Lane, record.Seq)
}

// refuseRest answers what came in too late.
func (j *Journal) refuseRest() {
	for {
		select {
		case r := <-j.requests:
			r.result <- result{err: ErrClosed}
		default:
			return
		}
	}
}
