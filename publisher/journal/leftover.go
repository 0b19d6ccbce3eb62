package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// A crash leaves tables that Pebble does not know of: half of a compaction's output, or its input. But so does a MANIFEST
// that was cut short, which Pebble takes for its end, and then it deletes the tables that came after. So tables are kept
// while Pebble opens, and looked at before they go: what they hold must be in the journal, or trimmed.

// checkLeftOver looks at those of the tables that Pebble does not use, and removes them if nothing is wrong with the journal.
func (j *Journal) checkLeftOver(tables []string) error {
	levels, err := j.db.SSTables()
	if err != nil {
		return err
	}
	used := make(map[uint64]bool)
	for _, level := range levels {
		for i := range level {
			used[uint64(level[i].BackingSSTNum)] = true
		}
	}
	tables = slices.DeleteFunc(tables, func(name string) bool { n, _ := number(name); return used[n] })
	for _, name := range tables {
		if err := j.checkTable(name); err != nil {
			return err
		}
	}
	if err := j.disk.foundDamage(); err != nil {
		return err
	}
	for _, name := range tables {
		if err := j.disk.raw.Remove(j.path(name)); err != nil {
			return err
		}
	}
	return nil
}

// checkTable looks up the ends of what a table has of each lane, and of the index.
func (j *Journal) checkTable(name string) error {
	keys, err := j.borderKeys(name)
	if err != nil {
		return nil // it was being written when forebay crashed
	}
	for _, key := range keys {
		known, err := j.knows(key)
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("%w: %s holds what the MANIFEST does not know of", errDamaged, name)
		}
	}
	return nil
}

// borderKeys gives the first and the last key that a table has of each lane, and of the index.
func (j *Journal) borderKeys(name string) (keys [][]byte, err error) {
	t, err := j.openTable(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = t.Close() }() // it was only read
	it, err := t.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return nil, err
	}
	add := func(kind pebble.InternalKeyKind, key []byte) {
		if kind == pebble.InternalKeyKindSet || kind == pebble.InternalKeyKindSetWithDelete {
			keys = append(keys, slices.Clone(key))
		}
	}
	for _, border := range [][]byte{{tableID}, {tableID + 1}, {tableRecord, 0}, {tableRecord, 1}, {tableRecord, 2}, {tableRecord, lanes}} {
		if kv := it.SeekGE(border, 0); kv != nil {
			add(kv.Kind(), kv.K.UserKey)
		}
		if kv := it.SeekLT(border, 0); kv != nil {
			add(kv.Kind(), kv.K.UserKey)
		}
	}
	return keys, errors.Join(it.Error(), it.Close())
}

// knows reports whether a record or an ID is in the journal, or was forgotten in the course of things.
func (j *Journal) knows(key []byte) (bool, error) {
	switch {
	case len(key) == 10 && key[0] == tableRecord && key[1] < lanes:
		if binary.BigEndian.Uint64(key[2:]) < j.lanes[key[1]].first {
			return true, nil
		}
	case len(key) == 21 && key[0] == tableID:
		mark, err := j.get(expiredKey())
		if err != nil || len(mark) == 4 && binary.BigEndian.Uint32(key[1:]) < binary.BigEndian.Uint32(mark) {
			return true, err
		}
	default:
		return true, nil
	}
	value, err := j.get(key)
	return value != nil, err
}
