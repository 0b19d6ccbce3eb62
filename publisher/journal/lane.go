package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/cockroachdb/pebble/v2"
)

// Bounds of the newest records that a lane keeps in memory, so that a publisher that keeps up never reads the disk.
const (
	tailRecords = 4096
	tailBytes   = 16 << 20
)

// An end is where a lane stops: its last sequence, and the bytes of all its records ever.
type end struct {
	seq   uint64
	bytes int64
}

// A lane is the part of the journal that is published in one order. Readers see only what is flushed.
type lane struct {
	mu      sync.Mutex
	first   uint64 // the oldest record, or last.seq+1
	trimmed int64  // bytes of the records before first
	last    end
	tail    []Record // the newest, without gaps up to last.seq
	held    int      // bytes of tail
	wake    chan struct{}
}

// restore reads where a lane begins and ends.
func (j *Journal) restore(l Lane) error {
	it, err := j.iterate(l, 0)
	if err != nil {
		return err
	}
	defer it.Close()
	ln := &j.lanes[l]
	ln.mu.Lock() // metrics are read while a journal on a full disk is being opened
	defer ln.mu.Unlock()
	ln.last, ln.trimmed, err = j.trimmedTo(l)
	if err != nil {
		return err
	}
	ln.first = ln.last.seq + 1
	if !it.First() {
		return it.Error()
	}
	oldest, upTo, err := decodeRecord(it.Key(), it.Value())
	if err != nil {
		return err
	}
	ln.first, ln.trimmed = oldest.Seq, upTo-int64(oldest.size)
	it.Last()
	newest, total, err := decodeRecord(it.Key(), it.Value())
	if err != nil {
		return err
	}
	ln.last = end{newest.Seq, total}
	j.bytes.Add(ln.last.bytes - ln.trimmed)
	return it.Error()
}

func (j *Journal) iterate(l Lane, from uint64) (*pebble.Iterator, error) {
	it, err := j.db.NewIter(&pebble.IterOptions{
		LowerBound: recordKey(l, from),
		UpperBound: []byte{tableRecord, byte(l) + 1},
	})
	if err != nil {
		return nil, fmt.Errorf("read journal lane %s: %w", l, err)
	}
	return it, nil
}

func (j *Journal) ends() (ends [lanes]end) {
	for l := range j.lanes {
		ends[l] = j.lanes[l].last // only the committer, which asks, changes them
	}
	return ends
}

// publish shows flushed records to readers.
func (j *Journal) publish(l Lane, records []Record) {
	if len(records) == 0 {
		return
	}
	ln := &j.lanes[l]
	ln.mu.Lock()
	added := 0
	for i := range records {
		added += records[i].size
	}
	ln.last.seq += uint64(len(records))
	ln.last.bytes += int64(added)
	ln.tail = append(ln.tail, records...)
	ln.held += added
	ln.shorten()
	ln.mu.Unlock()
	j.bytes.Add(int64(added))
	select {
	case ln.wake <- struct{}{}:
	default:
	}
}

// shorten lets go of the oldest half when the tail is over its bounds: seldom, and no more than a copy of what stays.
func (ln *lane) shorten() {
	for len(ln.tail) > tailRecords || ln.held > tailBytes {
		drop := (len(ln.tail) + 1) / 2
		for i := range ln.tail[:drop] {
			ln.held -= ln.tail[i].size
		}
		n := copy(ln.tail, ln.tail[drop:])
		clear(ln.tail[n:])
		ln.tail = ln.tail[:n]
	}
}

// Wake gets a value when a lane has new records. One reader per lane.
func (j *Journal) Wake(l Lane) <-chan struct{} { return j.lanes[l].wake }

// Bounds gives the oldest and the newest sequence of a lane; first is last+1 when it is empty.
func (j *Journal) Bounds(l Lane) (first, last uint64) {
	ln := &j.lanes[l]
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return ln.first, ln.last.seq
}

// Bytes is the size of a lane's records.
func (j *Journal) Bytes(l Lane) int64 {
	ln := &j.lanes[l]
	ln.mu.Lock()
	defer ln.mu.Unlock()
	return ln.last.bytes - ln.trimmed
}

// Read appends to records those of a lane from sequence from on, up to limit and about a megabyte: from memory if they are
// new, else from disk. It gives nothing at the end of the lane.
func (j *Journal) Read(l Lane, from uint64, limit int, records []Record) ([]Record, error) {
	if err := j.wait(); err != nil {
		return records, err
	}
	ln := &j.lanes[l]
	ln.mu.Lock()
	last := ln.last.seq
	oldest := last + 1 - uint64(len(ln.tail))
	if from >= oldest && from <= last {
		tail := ln.tail[from-oldest:]
		records = append(records, tail[:min(limit, len(tail))]...)
	}
	ln.mu.Unlock()
	if from >= oldest {
		return records, nil
	}
	return j.readDisk(l, from, last, limit, records)
}

const readBytes = 1 << 20

func (j *Journal) readDisk(l Lane, from, last uint64, limit int, records []Record) ([]Record, error) {
	it, err := j.iterate(l, from)
	if err != nil {
		return records, err
	}
	read := 0
	for ok := it.First(); ok && limit > 0 && read < readBytes; ok = it.Next() {
		r, _, err := decodeRecord(it.Key(), it.Value())
		if err != nil {
			return records, errors.Join(err, it.Close())
		}
		if r.Seq > last {
			break
		}
		records = append(records, r)
		read += len(r.Message.Body)
		limit--
	}
	if err := it.Close(); err != nil {
		return records, fmt.Errorf("read journal lane %s: %w", l, err)
	}
	return records, nil
}

// Wait returns once the journal is open, which is at once unless the disk was full. An error says that it will not be.
func (j *Journal) Wait(ctx context.Context) error {
	if !j.IsOpen() {
		select {
		case <-j.opened:
		case <-j.closing:
		case <-j.disk.failed:
			return j.disk.err()
		case <-ctx.Done():
			return fmt.Errorf("wait for journal: %w", ctx.Err())
		}
	}
	select {
	case <-j.closing:
		return ErrClosed
	default:
		return nil
	}
}

// IsOpen reports whether the journal has been opened.
func (j *Journal) IsOpen() bool {
	select {
	case <-j.opened:
		return true
	default:
		return false
	}
}

func (j *Journal) wait() error { return j.Wait(context.Background()) }
