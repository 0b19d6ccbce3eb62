package journal

import (
	"errors"
	"fmt"
	iofs "io/fs"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A damage is a file of the journal that could not be read whole.
type damage struct {
	file   string // its name in the journal's folder
	reason string
}

// damaged tells an error of opening that says something about what is in the files, from one that says something about
// the machine, such as a disk that cannot be read at all, and from files of a later version. Pebble has no one error for
// it: a damaged OPTIONS file, for one, is a syntax error.
func damaged(err error) bool {
	var errno syscall.Errno
	switch {
	case err == nil, errors.Is(err, ErrDiskFull), errors.Is(err, ErrClosed), errors.As(err, new(formError)):
		return false
	case errors.Is(err, errDamaged), errors.Is(err, iofs.ErrNotExist):
		return true
	case errors.As(err, &errno):
		return false
	default:
		return true
	}
}

// damageNote is a file in the journal's folder. It says that damage was found while forebay ran, so that the next start
// salvages what Pebble would open without a word.
const damageNote = "damaged"

// corrupt is told by Pebble of a block that is not what was written. While the journal opens the error comes back to
// whoever reads, too. Later, the journal fails: a restart salvages it.
func (d *disk) corrupt(info pebble.DataCorruptionInfo) {
	reason, _, _ := strings.Cut(fmt.Sprint(info.Details), "\n")
	found := damage{d.raw.PathBase(info.Path), reason}
	if !d.opened.Load() {
		d.found.CompareAndSwap(nil, &found)
		return
	}
	text := fmt.Sprintf("%s is damaged: %s", found.file, found.reason)
	if err := writeFile(d.raw, d.raw.PathJoin(d.dir, damageNote), text); err != nil {
		d.log.Error("journal: note of damage", "err", err)
	}
	d.giveUp(text)
}

// foundDamage gives what Pebble has told of while it opened.
func (d *disk) foundDamage() error {
	if found := d.found.Load(); found != nil {
		return fmt.Errorf("%w: %s: %s", errDamaged, found.file, found.reason)
	}
	return nil
}

// asideMark stands between the journal's name and the time, in the name of the folder that keeps a damaged journal.
const asideMark = "-damaged-"

// Damaged names the folders that keep damaged journals, from which could be read what this journal began with, or nil.
// They stay until somebody removes them.
func (j *Journal) Damaged() error {
	raw, dir := j.disk.raw, j.config.Dir
	names, err := raw.List(raw.PathDir(dir))
	if err != nil {
		return nil // the journal's own errors say it
	}
	var errs error
	for _, name := range names {
		if strings.HasPrefix(name, raw.PathBase(dir)+asideMark) {
			report := raw.PathJoin(raw.PathDir(dir), name, salvageReport)
			errs = errors.Join(errs, fmt.Errorf("journal was damaged: %s%s; see %s, and remove the folder when you are done",
				reportedLoss, readLoss(raw, report), report))
		}
	}
	return errs
}

// readLoss is what a report says is lost.
func readLoss(fs vfs.FS, report string) string {
	text, _ := readFile(fs, report)
	for line := range strings.Lines(string(text)) {
		if loss, ok := strings.CutPrefix(line, reportedLoss); ok {
			return strings.TrimSpace(loss)
		}
	}
	return "unknown"
}

// Lost is how many accepted events could not be read when this journal was opened, as far as their sequences tell.
func (j *Journal) Lost() uint64 { return j.lost.Load() }

// LostUnknown reports whether more than [Journal.Lost] may be lost: a file could not be read whole, and nothing tells what
// was in it.
func (j *Journal) LostUnknown() bool { return j.lostUnknown.Load() }

// writeFile writes a small file and flushes it. It is there whole or not at all.
func writeFile(fs vfs.FS, name, text string) error {
	f, err := fs.Create(name+".new", vfs.WriteCategoryUnspecified)
	if err != nil {
		return err
	}
	_, err = f.Write([]byte(text))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, fs.Remove(name+".new"))
	}
	return errors.Join(fs.Rename(name+".new", name), syncDir(fs, fs.PathDir(name)))
}

// makeDir makes a folder and those above it, and flushes their names.
func makeDir(fs vfs.FS, name string) error {
	if _, err := fs.Stat(name); !errors.Is(err, iofs.ErrNotExist) {
		return err
	}
	parent := fs.PathDir(name)
	if err := makeDir(fs, parent); err != nil {
		return err
	}
	return errors.Join(fs.MkdirAll(name, 0o700), syncDir(fs, parent))
}

func syncDir(fs vfs.FS, name string) error {
	dir, err := fs.OpenDir(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
