package journal

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
)

// A journal that is damaged is not opened as it is: what Pebble cannot place it deletes, and what it cannot read stops
// everything behind it. Instead a new journal is made of all that can be read in the folder, file by file, whatever Pebble
// knows of them. The damaged one stands aside, whole, under a name with its time, and a report in it says what was done.

const (
	salvagedMark  = "-salvaged" // behind the journal's name: the new journal, until it takes the place of the old one
	salvageReport = "salvage.txt"
	reportedLoss  = "lost in all: " // begins the line of the report that says it
)

// openOrSalvage opens the journal as it is, or what can be read of it.
func (j *Journal) openOrSalvage() error {
	if err := j.finishSwap(); err != nil {
		return err
	}
	closed := j.readEnding() // before it goes
	err := j.open()
	if damaged(err) {
		if err = j.salvage(err, closed); err == nil {
			err = j.open()
		}
	}
	if err != nil {
		return err
	}
	j.disk.opened.Store(true)
	close(j.opened)
	return nil
}

// salvage puts a new journal in the place of a damaged one, of which the ending tells what it held if it was closed.
// Whatever fails, the damaged one is as it was.
func (j *Journal) salvage(cause error, closed *ending) error {
	files := j.disk.fs
	lock, err := pebble.LockDirectory(j.config.Dir, files)
	if err != nil {
		return cause // another process has it open
	}
	defer func() { _ = lock.Close() }() // the folder has another name by then
	j.config.Log.Error("journal is damaged: what can be read of it is copied", "path", j.config.Dir, "err", cause)
	j.reset()
	s := salvage{journal: j, cause: cause}
	if closed != nil {
		s.begin(closed)
	}
	if err := s.run(); err != nil {
		return errors.Join(fmt.Errorf("%w; and salvage it: %w", cause, err), files.RemoveAll(j.config.Dir+salvagedMark))
	}
	aside, err := j.freeName()
	if err != nil {
		return err
	}
	s.log(j.config.Log, aside)
	j.lost.Store(s.lost())
	j.lostUnknown.Store(s.unsure())
	if err := j.swap(s.report(), aside); err != nil {
		return fmt.Errorf("put the salvaged journal in its place: %w", err)
	}
	return nil
}

// swap flushes the name of the damaged journal before the new one gets its old name: a power cut leaves both.
func (j *Journal) swap(report, aside string) error {
	files, dir := j.disk.fs, j.config.Dir
	if err := writeFile(files, j.path(salvageReport), report); err != nil {
		return err
	}
	if err := files.Rename(dir, aside); err != nil {
		return err
	}
	if err := syncDir(files, files.PathDir(dir)); err != nil {
		return err
	}
	return j.finishSwap()
}

// finishSwap makes the journal's folder, or moves the new journal there if only that was left to do when forebay ended.
// One that stands beside a journal was not finished.
func (j *Journal) finishSwap() error {
	files, dir := j.disk.fs, j.config.Dir
	_, err := files.Stat(dir)
	_, errSalvaged := files.Stat(dir + salvagedMark)
	switch {
	case err == nil && errSalvaged == nil:
		return files.RemoveAll(dir + salvagedMark)
	case errors.Is(err, fs.ErrNotExist) && errSalvaged == nil:
		return errors.Join(files.Rename(dir+salvagedMark, dir), syncDir(files, files.PathDir(dir)))
	default:
		return makeDir(files, dir)
	}
}

// freeName is the name under which the damaged journal stands aside.
func (j *Journal) freeName() (string, error) {
	base := j.config.Dir + asideMark + j.config.Now().UTC().Format("20060102T150405Z")
	name := base
	for n := 2; n < 100; n++ {
		if _, err := j.disk.raw.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return name, nil
		}
		name = fmt.Sprintf("%s%d", base, n)
	}
	return "", fmt.Errorf("%s stands there already", name)
}

// reset forgets what an attempt to open has found.
func (j *Journal) reset() {
	j.db = nil
	j.bytes.Store(0)
	j.disk.found.Store(nil)
	for l := range j.lanes {
		ln := &j.lanes[l]
		ln.mu.Lock()
		ln.first, ln.trimmed, ln.last = 0, 0, end{}
		ln.mu.Unlock()
	}
}
