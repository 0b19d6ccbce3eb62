package journal

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/cockroachdb/pebble/v2"
)

// Trim forgets the records of each lane up to and including the given sequence and, in the same commit, sets a mark. It is not flushed on its own: after a crash the records may be there again, and then the older mark is too.
func (j *Journal) Trim(upTo map[Lane]uint64, name string, mark []byte) error {
	if err := j.wait(); err != nil {
		return err
	}
	b := j.db.NewBatch()
	trimmed := make(map[Lane]int64)
	for l, seq := range upTo {
		total, err := j.total(l, seq)
		if err != nil {
			return err
		}
		trimmed[l] = total
		if err := errors.Join(
			b.DeleteRange(recordKey(l, 0), recordKey(l, seq+1), nil),
			b.Set([]byte{tableMark, 't', byte(l)}, appendEnd(end{seq, total}), nil),
		); err != nil {
			return err
		}
	}
	if err := b.Set(markKey(name), mark, nil); err != nil {
		return err
	}
	err := j.write(func() error {
		if err := errors.Join(b.Commit(pebble.NoSync), b.Close()); err != nil {
			return err
		}
		for l, seq := range upTo {
			j.forget(l, seq, trimmed[l])
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("trim journal: %w", err)
	}
	return nil
}

func (j *Journal) forget(l Lane, seq uint64, total int64) {
	ln := &j.lanes[l]
	ln.mu.Lock()
	defer ln.mu.Unlock()
	if seq < ln.first {
		return // a later trim was faster
	}
	j.bytes.Add(ln.trimmed - total)
	ln.first, ln.trimmed = seq+1, total
}

// total is the bytes of a lane up to and including a record.
func (j *Journal) total(l Lane, seq uint64) (int64, error) {
	value, closer, err := j.db.Get(recordKey(l, seq))
	if err != nil {
		return 0, fmt.Errorf("trim journal lane %s up to %d: %w", l, seq, err)
	}
	defer closer.Close()
	if len(value) < 8 {
		return 0, fmt.Errorf("trim journal lane %s up to %d: %w", l, seq, errDamaged)
	}
	return int64(binary.BigEndian.Uint64(value)), nil
}

// SetMark remembers something under a name, flushed at once or with the next flush.
func (j *Journal) SetMark(name string, mark []byte, flushed bool) error {
	if err := j.wait(); err != nil {
		return err
	}
	err := j.write(func() error { return j.db.Set(markKey(name), mark, &pebble.WriteOptions{Sync: flushed}) })
	if err != nil {
		return fmt.Errorf("mark journal: %w", err)
	}
	return nil
}

// write calls what writes. Pebble holds whoever writes, for ever after a failed flush, and on a full disk until there is
// space; not the caller. What met a full disk may be written all the same.
func (j *Journal) write(f func() error) error {
	full := j.disk.full()
	if err := j.disk.err(); err != nil {
		return err
	}
	written := make(chan error, 1)
	go func() { written <- f() }()
	select {
	case err := <-written:
		return err
	case <-full:
		return ErrDiskFull
	case <-j.disk.failed:
		return j.disk.err()
	}
}

// Mark gives what was last remembered under a name, or nil.
func (j *Journal) Mark(name string) ([]byte, error) {
	if err := j.wait(); err != nil {
		return nil, err
	}
	return j.get(markKey(name))
}

func markKey(name string) []byte { return append([]byte{tableMark, 'p'}, name...) }

// trimmedTo is where a lane's numbering goes on when it is empty.
func (j *Journal) trimmedTo(l Lane) (end, int64, error) {
	value, err := j.get([]byte{tableMark, 't', byte(l)})
	if err != nil || len(value) != 16 {
		return end{}, 0, err
	}
	e := decodeEnd(value)
	return e, e.bytes, nil
}

func decodeEnd(value []byte) end {
	return end{binary.BigEndian.Uint64(value), int64(binary.BigEndian.Uint64(value[8:]))}
}

func appendEnd(e end) []byte {
	b := binary.BigEndian.AppendUint64(nil, e.seq)
	return binary.BigEndian.AppendUint64(b, uint64(e.bytes))
}

func (j *Journal) get(key []byte) ([]byte, error) { return get(j.db, key) }

func get(db *pebble.DB, key []byte) ([]byte, error) {
	value, closer, err := db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read journal: %w", err)
	}
	defer closer.Close()
	return append([]byte(nil), value...), nil
}
