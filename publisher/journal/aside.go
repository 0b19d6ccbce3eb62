package journal

import (
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Records that the stream will never take as they are stand aside, so that they do not block the others, and go to the
// end of their lane when the journal is opened the next time.

func asideKey(l Lane, seq uint64) []byte {
	k := recordKey(l, seq)
	k[0] = tableAside
	return k
}

// SetAside keeps a record beyond the trimming of its lane.
func (j *Journal) SetAside(l Lane, seq uint64) error {
	if err := j.wait(); err != nil {
		return err
	}
	value, err := j.get(recordKey(l, seq))
	if err == nil && value == nil {
		err = errors.New("it is not there")
	}
	if err != nil {
		return fmt.Errorf("set record %d of lane %s aside: %w", seq, l, err)
	}
	if err := j.write(func() error { return j.db.Set(asideKey(l, seq), value, pebble.Sync) }); err != nil {
		return fmt.Errorf("set record %d of lane %s aside: %w", seq, l, err)
	}
	return nil
}

// DropAside forgets the copy of a record that was set aside: the stream took it after all.
func (j *Journal) DropAside(l Lane, seq uint64) error {
	if err := j.wait(); err != nil {
		return err
	}
	if err := j.write(func() error { return j.db.Delete(asideKey(l, seq), pebble.Sync) }); err != nil {
		return fmt.Errorf("drop record %d of lane %s that was set aside: %w", seq, l, err)
	}
	return nil
}

// takeBack appends what stands aside to its lanes. The journal is being opened: nothing else writes.
func (j *Journal) takeBack() error {
	it, err := j.db.NewIter(&pebble.IterOptions{LowerBound: []byte{tableAside}, UpperBound: []byte{tableAside + 1}})
	if err != nil {
		return fmt.Errorf("read records set aside: %w", err)
	}
	b := j.db.NewBatch()
	defer b.Close()
	for ok := it.First(); ok; ok = it.Next() {
		if err := j.takeBackOne(b, it.Key(), it.Value()); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	if err := it.Close(); err != nil {
		return fmt.Errorf("read records set aside: %w", err)
	}
	if b.Empty() {
		return nil
	}
	return b.Commit(pebble.Sync)
}

func (j *Journal) takeBackOne(b *pebble.Batch, key, value []byte) error {
	record, _, err := decodeRecord(key, value)
	if err != nil {
		return err
	}
	if record.Seq >= j.lanes[record.Lane].first {
		return b.Delete(key, nil) // it is still in its lane, and is offered from there
	}
	ln := &j.lanes[record.Lane]
	ln.mu.Lock()
	ln.last.seq++
	ln.last.bytes += int64(record.size)
	last := ln.last
	ln.mu.Unlock()
	j.bytes.Add(int64(record.size))
	record.Seq = last.seq
	h := hashOf(record.Message.ID)
	return errors.Join(
		b.Delete(key, nil),
		setRecord(b, &record, last.bytes),
		setID(b, h, record.Accepted, record.Lane, record.Seq),
		setID(b, h, j.clock.now(), record.Lane, record.Seq), // the older may expire: expire looks at the first of the lane
	)
}
