package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/batchrepr"
	"github.com/cockroachdb/pebble/v2/record"
	"github.com/cockroachdb/pebble/v2/sstable"
)

// readAll takes whatever can be read in the folder: the logs, from the oldest to the newest, and then the tables, which hold
// nothing but what was replayed from logs.
func (s *salvage) readAll() error {
	logs, err := s.journal.files(".log")
	if err != nil {
		return err
	}
	for i, name := range logs {
		torn := i == len(logs)-1 && !s.closed
		if err := s.readSafely(name, func() error { return s.readLog(name, torn) }); err != nil {
			return err
		}
	}
	tables, err := s.journal.files(".sst")
	if err != nil {
		return err
	}
	for _, name := range tables {
		if err := s.readSafely(name, func() error { return s.readTable(name) }); err != nil {
			return err
		}
	}
	return s.write(0)
}

// An unreadable is an error of what is read, not of what is written.
type unreadable struct{ error }

func (u unreadable) Unwrap() error { return u.error }

// readSafely notes what cannot be read of a file, a panic of Pebble's over its content among it.
func (s *salvage) readSafely(name string, read func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			s.unread = append(s.unread, damage{name, fmt.Sprint(p)})
		}
	}()
	err = read()
	if passing(err) {
		return fmt.Errorf("read %s: %w", name, err)
	}
	if u := (unreadable{}); errors.As(err, &u) {
		s.unread = append(s.unread, damage{name, u.Error()})
		return nil
	}
	return err
}

// passing tells an error that says nothing about the file, such as too many open files: with it nothing is salvaged now,
// and the next start tries again.
func passing(err error) bool {
	var errno syscall.Errno
	return errors.As(err, &errno) && errno != syscall.EIO
}

// logBlock is the size of the blocks in which a log is written. No part of a record crosses their border, so one can begin
// to read at any of them.
const logBlock = 32 << 10

// readLog reads a log, and goes on at the next block behind what is damaged. After a crash the newest may be torn: nothing
// behind its end was promised, so that it ends in the middle of a record is no damage.
func (s *salvage) readLog(name string, torn bool) error {
	data, err := s.journal.readFile(name)
	if err != nil {
		return unreadable{err}
	}
	n, _ := number(name)
	var bad error
	for at := 0; at < len(data); {
		read, err := s.readRecords(newLogReader(record.NewReader, bytes.NewReader(data[at:]), n))
		if u := (unreadable{}); !errors.As(err, &u) {
			return errors.Join(err, bad)
		}
		if bad == nil && (!torn || !errors.Is(err, record.ErrUnexpectedEOF)) {
			bad = fmt.Errorf("from byte %d on: %w", at+int(read), err)
		}
		at += (int(read)/logBlock + 1) * logBlock
	}
	return bad
}

// newLogReader converts the number of a log to a type of Pebble's that has no name outside.
func newLogReader[N ~uint64](makeReader func(io.Reader, N) *record.Reader, r io.Reader, n uint64) *record.Reader {
	return makeReader(r, N(n))
}

// readRecords reads up to the end, or to what is unreadable, and tells where that begins.
func (s *salvage) readRecords(r *record.Reader) (at int64, err error) {
	for {
		at = r.Offset()
		next, err := r.Next()
		if errors.Is(err, io.EOF) {
			return at, nil
		}
		if err != nil {
			return at, unreadable{err}
		}
		data, err := io.ReadAll(next)
		if err != nil {
			return at, unreadable{err}
		}
		if err := s.takeBatch(data); err != nil {
			return at, err
		}
	}
}

// takeBatch takes what one commit wrote, all of it or nothing.
func (s *salvage) takeBatch(data []byte) error {
	head, ok := batchrepr.ReadHeader(data)
	if !ok {
		return unreadable{errors.New("a commit has no head")}
	}
	keys, values, count := [][]byte{}, [][]byte{}, uint32(0)
	for r := batchrepr.Read(data); ; count++ {
		kind, key, value, ok, err := r.Next()
		if err != nil {
			return unreadable{err}
		}
		if !ok {
			break
		}
		if kind == pebble.InternalKeyKindSet {
			keys, values = append(keys, key), append(values, value)
		}
	}
	if count != head.Count {
		return unreadable{fmt.Errorf("a commit has %d parts of %d", count, head.Count)}
	}
	for i := range keys {
		if err := s.take(keys[i], values[i]); err != nil {
			return err
		}
	}
	return nil
}

// readTable reads a table by its index, or block by block if that does not lead to anything.
func (s *salvage) readTable(name string) error {
	t, err := s.journal.openTable(name)
	if err != nil {
		return errors.Join(unreadable{err}, s.readBlocks(name))
	}
	defer func() { _ = t.Close() }() // it was only read
	read, err := s.readIndexed(t)
	if err != nil && read == 0 {
		err = errors.Join(err, s.readBlocks(name))
	}
	return err
}

// readIndexed reads a table from its beginning, and where a block is damaged also from its end.
func (s *salvage) readIndexed(t *sstable.Reader) (read int, err error) {
	it, err := t.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles)
	if err != nil {
		return 0, unreadable{err}
	}
	var last []byte
	for kv := it.First(); kv != nil; kv = it.Next() {
		last = append(last[:0], kv.K.UserKey...)
		if err := s.takeKind(kv.Kind(), kv.K.UserKey, kv.InPlaceValue()); err != nil {
			return read, errors.Join(err, it.Close())
		}
		read++
	}
	bad := errors.Join(it.Error(), it.Close())
	if bad == nil {
		return read, nil
	}
	if it, err = t.NewIter(sstable.NoTransforms, nil, nil, sstable.AssertNoBlobHandles); err != nil {
		return read, unreadable{bad}
	}
	for kv := it.Last(); kv != nil && bytes.Compare(kv.K.UserKey, last) > 0; kv = it.Prev() {
		if err := s.takeKind(kv.Kind(), kv.K.UserKey, kv.InPlaceValue()); err != nil {
			return read, errors.Join(err, it.Close())
		}
		read++
	}
	_ = it.Close() // it says what is known
	return read, unreadable{bad}
}

func (s *salvage) takeKind(kind pebble.InternalKeyKind, key, value []byte) error {
	if kind == pebble.InternalKeyKindSet || kind == pebble.InternalKeyKindSetWithDelete {
		return s.take(key, value)
	}
	return nil
}

func (j *Journal) openTable(name string) (*sstable.Reader, error) {
	f, err := j.disk.raw.Open(j.path(name))
	if err != nil {
		return nil, err
	}
	file, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	o := options(j.disk)
	o.EnsureDefaults()
	t, err := sstable.NewReader(context.Background(), file, o.MakeReaderOptions())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return t, nil
}
