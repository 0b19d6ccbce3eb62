package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// After a crash the end of the newest log may be torn, and whatever follows the last flush was promised to nobody. So
// Pebble reads such a log as far as it goes, and cannot tell one that was cut short later. A journal that was closed can:
// it leaves an ending.
type ending struct {
	Log  string        `json:"log"`  // the newest, "000012.log"
	Sum  uint32        `json:"sum"`  // CRC-32C of its bytes
	Last [lanes]uint64 `json:"last"` // the newest sequence of each lane
	Trim [lanes]uint64 `json:"trim"` // the newest of each that it had forgotten
}

const endingName = "closed"

// writeEnding is called when nothing writes any more. Without an ending, as on a full disk, the next start is one after a
// crash.
func (j *Journal) writeEnding() {
	e, err := j.ending()
	if err == nil {
		text, _ := json.Marshal(e) // cannot fail: a text and numbers
		err = writeFile(j.disk.raw, j.path(endingName), string(text))
	}
	if err != nil {
		j.config.Log.Warn("journal: no ending", "err", err)
	}
}

func (j *Journal) ending() (e ending, err error) {
	names, err := j.files(".log")
	if err != nil {
		return e, err
	}
	for l := range j.lanes {
		e.Last[l], e.Trim[l] = j.lanes[l].last.seq, j.lanes[l].first-1
	}
	if len(names) == 0 {
		return e, errors.New("there is no log")
	}
	e.Log = names[len(names)-1]
	data, err := j.readFile(e.Log)
	e.Sum = checksum(data)
	return e, err
}

// checkEnding compares the newest log with what it was when the journal was closed, if it was. The ending is gone when it
// returns: from now on it is not true any more.
func (j *Journal) checkEnding() error {
	text, err := j.readFile(endingName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var e ending
	if err := json.Unmarshal(text, &e); err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, endingName, err)
	}
	data, err := j.readFile(e.Log)
	if err == nil && checksum(data) != e.Sum {
		err = fmt.Errorf("%w: %s is not as it was when the journal was closed", errDamaged, e.Log)
	}
	if err != nil {
		return err
	}
	return errors.Join(j.disk.raw.Remove(j.path(endingName)), syncDir(j.disk.raw, j.config.Dir))
}

// checkFiles looks at what Pebble does not, before it opens the folder, and gives the tables in it.
func (j *Journal) checkFiles() (tables []string, err error) {
	note, err := j.readFile(damageNote)
	if err == nil {
		return nil, fmt.Errorf("%w: %s", errDamaged, note)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err := j.checkEnding(); err != nil {
		return nil, err
	}
	return j.files(".sst")
}

// readEnding gives the ending of a journal that was closed, as long as it is there, or nil.
func (j *Journal) readEnding() *ending {
	var e ending
	if text, err := j.readFile(endingName); err != nil || json.Unmarshal(text, &e) != nil {
		return nil
	}
	return &e
}

func checksum(data []byte) uint32 { return crc32.Checksum(data, crc32.MakeTable(crc32.Castagnoli)) }

func (j *Journal) path(name string) string { return j.disk.raw.PathJoin(j.config.Dir, name) }

// readFile reads a file of the journal. Logs are about as large as a memory table.
func (j *Journal) readFile(name string) ([]byte, error) { return readFile(j.disk.raw, j.path(name)) }

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path)
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(f)
	return data, errors.Join(err, f.Close())
}

// files lists the files with an extension, in the order in which they were made.
func (j *Journal) files(extension string) (names []string, err error) {
	all, err := j.disk.raw.List(j.config.Dir)
	if err != nil {
		return nil, err
	}
	for _, name := range all {
		if _, ok := number(name); ok && path.Ext(name) == extension {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		x, _ := number(a)
		y, _ := number(b)
		return int(x) - int(y)
	})
	return names, nil
}

// number is the number in a name such as 000012.log.
func number(name string) (uint64, bool) {
	text, _, _ := strings.Cut(name, ".")
	n, err := strconv.ParseUint(text, 10, 32)
	return n, err == nil
}
