package journal

import (
	"bytes"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/cockroachdb/pebble/v2"
)

// What is read is in no order, and some of it is old: files may hold what was forgotten long ago, or what was written
// and not replayed after a crash. So everything is put into tables of their own first.
//
//	s <lane> <seq>                                    a record
//	i <bucket> <hash> <accepted> <lane> <seq>         an ID: the last of those with one hash is the one that counts
const (
	tableReadRecord = 's'
	tableReadID     = 'i'
)

// A salvage makes a new journal of what can be read of a damaged one.
//
// Marks of the publisher are left out: an old one could name a later place in the stream than is true of the records that
// came back. Without one the publisher reads the whole stream before it offers anything.
type salvage struct {
	journal *Journal
	cause   error
	closed  bool       // so that last is of all events
	db      *pebble.DB // the new journal
	batch   *pebble.Batch

	unread  []damage
	trimmed [lanes]end    // where each lane begins
	last    [lanes]uint64 // the newest sequence that is known of
	read    [lanes]uint64 // records that are not trimmed
	kept    [lanes]uint64 // of these, all but those that came twice
	aside   int
	ids     int
	lostIDs int
}

// begin takes over what a closed journal knew of itself.
func (s *salvage) begin(e *ending) {
	s.closed, s.last = true, e.Last
	for l := range s.trimmed {
		s.trimmed[l].seq = e.Trim[l]
	}
}

// run leaves the new journal closed and flushed.
func (s *salvage) run() (err error) {
	s.db, err = pebble.Open(s.journal.config.Dir+salvagedMark, options(s.journal.disk))
	if err != nil {
		return err
	}
	s.batch = s.db.NewBatch()
	for _, step := range []func() error{s.readAll, s.returnAside, s.clear, s.keepIDs, s.keepRecords, s.keepAside, s.sweep, s.markForm} {
		if err := errors.Join(step(), s.write(0)); err != nil {
			return errors.Join(err, s.batch.Close(), s.db.Close())
		}
	}
	return errors.Join(s.batch.Close(), s.db.Flush(), s.db.Close())
}

// write commits what is in the batch, if it is larger than so many bytes. It is flushed in the end.
func (s *salvage) write(over int) error {
	if s.batch.Empty() || s.batch.Len() < over {
		return nil
	}
	err := errors.Join(s.batch.Commit(pebble.NoSync), s.batch.Close())
	s.batch = s.db.NewBatch()
	return err
}

// take keeps a key that was read, if it means anything to us.
func (s *salvage) take(key, value []byte) error {
	var err error
	switch {
	case len(key) == 10 && key[0] == tableRecord:
		err = s.takeRecord(key, value, tableReadRecord)
	case len(key) == 10 && key[0] == tableAside:
		err = s.takeRecord(key, value, tableAside)
	case len(key) == 21 && key[0] == tableID && len(value) == 17 && value[8] < lanes:
		err = s.batch.Set(slices.Concat([]byte{tableReadID}, key[1:], value), nil, nil)
	case len(key) == 3 && key[0] == tableMark && key[1] == 't' && key[2] < lanes && len(value) == 16:
		if e := decodeEnd(value); e.seq > s.trimmed[key[2]].seq {
			s.trimmed[key[2]] = e
		}
	case bytes.Equal(key, formKey()):
		err = readableForm(value)
	}
	return errors.Join(err, s.write(groupBytes))
}

func (s *salvage) takeRecord(key, value []byte, table byte) error {
	record, _, err := decodeRecord(key, value)
	if err != nil {
		return unreadable{err}
	}
	if table == tableReadRecord {
		s.last[record.Lane] = max(s.last[record.Lane], record.Seq)
	}
	return s.batch.Set(slices.Concat([]byte{table}, key[1:]), value, nil)
}

// returnAside puts a record back into its lane of which only the copy that stands aside can be read.
func (s *salvage) returnAside() error {
	return s.each(tableAside, func(key, value []byte) error {
		at := position{Lane(key[1]), binary.BigEndian.Uint64(key[2:])}
		there, err := s.has(at)
		if there || err != nil {
			return err
		}
		s.last[at.Lane] = max(s.last[at.Lane], at.Seq)
		return s.batch.Set(slices.Concat([]byte{tableReadRecord}, key[1:]), value, nil)
	})
}

// clear drops records that are trimmed, or that stand in the journal twice because one of them was not replayed after a
// crash, and was sent and accepted again.
func (s *salvage) clear() error {
	for _, l := range Lanes() {
		s.last[l] = max(s.last[l], s.trimmed[l].seq)
	}
	return s.each(tableReadRecord, func(key, value []byte) error {
		record, _, err := decodeRecord(key, value)
		if err != nil {
			return err
		}
		if record.Seq <= s.trimmed[record.Lane].seq {
			return s.batch.Delete(key, nil)
		}
		s.read[record.Lane]++
		at, known, err := s.position(&record)
		if err != nil {
			return err
		}
		if known && at != (position{record.Lane, record.Seq}) {
			there, err := s.has(at)
			if there || err != nil {
				return errors.Join(err, s.batch.Delete(key, nil))
			}
		}
		s.kept[record.Lane]++
		return nil
	})
}

// position is where the index has the record of an ID.
func (s *salvage) position(r *Record) (at position, known bool, err error) {
	prefix := idKey(bucketOf(r.Accepted), hashOf(r.Message.ID))
	prefix[0] = tableReadID
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: append(slices.Clone(prefix), 0xff)})
	if err != nil {
		return at, false, err
	}
	defer it.Close()
	if !it.Last() {
		return at, false, it.Error()
	}
	_, at = decodeReadID(it.Key())
	return at, true, nil
}

func decodeReadID(key []byte) (prefix []byte, at position) {
	return key[:21], position{Lane(key[29]), binary.BigEndian.Uint64(key[30:])}
}

// has reports whether the event at a position needs no other copy: it is there, or was trimmed.
func (s *salvage) has(at position) (bool, error) {
	if at.Seq <= s.trimmed[at.Lane].seq {
		return true, nil
	}
	key := recordKey(at.Lane, at.Seq)
	key[0] = tableReadRecord
	_, closer, err := s.db.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, closer.Close()
}

// keepIDs brings the index over, but for IDs whose records are lost: if such an event comes again, it is to be stored.
func (s *salvage) keepIDs() error {
	var kept []byte
	return s.eachBackwards(tableReadID, func(key []byte) error {
		prefix, at := decodeReadID(key)
		if slices.Equal(prefix, kept) {
			return nil
		}
		kept = append(kept[:0], prefix...)
		s.last[at.Lane] = max(s.last[at.Lane], at.Seq)
		there, err := s.has(at)
		if err != nil {
			return err
		}
		if !there {
			s.lostIDs++
			return nil
		}
		s.ids++
		return s.batch.Set(slices.Concat([]byte{tableID}, prefix[1:]), key[21:], nil)
	})
}
