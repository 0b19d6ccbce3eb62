package journal

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2"
)

// keepRecords numbers the records that are kept without gaps up to the newest sequence that is known of. What comes before
// a gap gets larger numbers, never smaller ones: to the publisher it may look as if it was not acknowledged, never as if
// it was.
func (s *salvage) keepRecords() error {
	next := [lanes]end{}
	for l := range next {
		next[l] = end{s.last[l] - s.kept[l], s.trimmed[l].bytes}
		if err := s.batch.Set([]byte{tableMark, 't', byte(l)}, appendEnd(next[l]), nil); err != nil {
			return err
		}
	}
	return s.each(tableReadRecord, func(key, value []byte) error {
		record, _, err := decodeRecord(key, value)
		if err != nil {
			return err
		}
		end := &next[record.Lane]
		end.seq++
		end.bytes += int64(record.size)
		record.Seq = end.seq
		return errors.Join(
			setRecord(s.batch, &record, end.bytes),
			setID(s.batch, hashOf(record.Message.ID), record.Accepted, record.Lane, record.Seq),
		)
	})
}

// keepAside drops what stood aside if it is in its lane, or was taken back since.
func (s *salvage) keepAside() error {
	return s.each(tableAside, func(key, value []byte) error {
		record, _, err := decodeRecord(key, value)
		if err != nil {
			return err
		}
		at, known, err := s.position(&record)
		if err != nil {
			return err
		}
		if record.Seq > s.trimmed[record.Lane].seq || known && at != (position{record.Lane, record.Seq}) {
			there, err := s.has(at)
			if there || err != nil {
				return errors.Join(err, s.batch.Delete(key, nil))
			}
		}
		s.aside++
		return nil
	})
}

// sweep removes the tables that were only for sorting.
func (s *salvage) sweep() error {
	return errors.Join(
		s.batch.DeleteRange([]byte{tableReadRecord}, []byte{tableReadRecord + 1}, nil),
		s.batch.DeleteRange([]byte{tableReadID}, []byte{tableReadID + 1}, nil),
	)
}

func (s *salvage) markForm() error {
	return s.batch.Set(formKey(), []byte(strconv.Itoa(form)), nil)
}

// each calls f with every key of a table, as it is when each begins.
func (s *salvage) each(table byte, f func(key, value []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{table}, UpperBound: []byte{table + 1}})
	if err != nil {
		return err
	}
	for ok := it.First(); ok; ok = it.Next() {
		if err := errors.Join(f(it.Key(), it.Value()), s.write(groupBytes)); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return errors.Join(it.Error(), it.Close())
}

func (s *salvage) eachBackwards(table byte, f func(key []byte) error) error {
	it, err := s.db.NewIter(&pebble.IterOptions{LowerBound: []byte{table}, UpperBound: []byte{table + 1}})
	if err != nil {
		return err
	}
	for ok := it.Last(); ok; ok = it.Prev() {
		if err := errors.Join(f(it.Key()), s.write(groupBytes)); err != nil {
			return errors.Join(err, it.Close())
		}
	}
	return errors.Join(it.Error(), it.Close())
}

// missing is how many sequences of a lane have no record.
func (s *salvage) missing(l Lane) uint64 { return s.last[l] - s.trimmed[l].seq - s.read[l] }

func (s *salvage) lost() (n uint64) {
	for _, l := range Lanes() {
		n += s.missing(l)
	}
	return n
}

// unsure reports whether more may be lost than the sequences tell: what was not read may have held newer ones than what
// was, and only a journal that was closed has left word of its newest.
func (s *salvage) unsure() bool {
	return !s.closed && (len(s.unread) > 0 || errors.Is(s.cause, fs.ErrNotExist))
}

func (s *salvage) loss() string {
	if s.unsure() {
		return fmt.Sprintf("an unknown number of accepted events, at least %d", s.lost())
	}
	return fmt.Sprintf("%d accepted events", s.lost())
}

func (s *salvage) log(log *slog.Logger, aside string) {
	for _, d := range s.unread {
		log.Error("journal: not all of a file can be read", "path", d.file, "err", d.reason)
	}
	for _, l := range Lanes() {
		log.Error("journal: salvaged", "lane", l.String(), "kept", s.kept[l], "lost", s.missing(l))
	}
	if s.unsure() {
		log.Error("journal: an unknown number of events is lost with what cannot be read")
	}
	log.Error("journal: the damaged one stands aside; remove the folder when you are done", "path", aside)
}

// report is for whoever has to find out what is missing.
func (s *salvage) report() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("This journal was damaged: %v", s.cause)
	line("All that could be read of it is in the journal that took its place.")
	for _, d := range s.unread {
		line("%s: %s", d.file, d.reason)
	}
	for _, l := range Lanes() {
		line("lane %s: %d events kept, %d lost", l, s.kept[l], s.missing(l))
	}
	line("%s%s", reportedLoss, s.loss())
	line("records that stood aside: %d kept", s.aside)
	line("IDs of events: %d kept, %d let go because their events are lost and may come again", s.ids, s.lostIDs)
	line("Lost events had been accepted, and may be on the stream all the same. What was accepted last, just before a crash, leaves no trace when it is lost.")
	return b.String()
}
