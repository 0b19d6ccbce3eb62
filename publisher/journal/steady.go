package journal

import (
	"bufio"
	"errors"
	"io/fs"
	"path"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// A steadyFS stands between Pebble and the disk, for two things that Pebble does not leave to its options.
//
// Where a write fails, Pebble panics in some places, such as the change to a new log, and tries again in others. So no
// error of a write is shown to it once the journal is open: the journal fails, and who wrote is held for ever, as in
// [disk.Fatalf].
//
// And what Pebble takes for left over while it opens is kept until [Journal.checkLeftOver] has looked at it.
type steadyFS struct {
	vfs.FS
	disk *disk
}

// must holds whoever caused an error that is not a matter of names.
func (f steadyFS) must(err error) error {
	if err == nil || !f.disk.opened.Load() || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrExist) {
		return err
	}
	f.disk.Fatalf("%v", err)
	return err
}

func (f steadyFS) file(file vfs.File, err error) (vfs.File, error) {
	if err = f.must(err); err != nil {
		return nil, err
	}
	return steadyFile{File: file, fs: f}, nil
}

func (f steadyFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.file(f.FS.Create(name, category))
	if err == nil && isTable(name) {
		file = tableFile{file, bufio.NewWriterSize(file, pieceBytes)}
	}
	return file, err
}

func (f steadyFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.file(f.FS.ReuseForWrite(oldname, newname, category))
}

func (f steadyFS) OpenDir(name string) (vfs.File, error) { return f.file(f.FS.OpenDir(name)) }

func (f steadyFS) Rename(oldname, newname string) error { return f.must(f.FS.Rename(oldname, newname)) }

func (f steadyFS) Remove(name string) error {
	if !f.disk.opened.Load() && isTable(name) {
		return nil
	}
	return f.FS.Remove(name)
}

func (f steadyFS) Unwrap() vfs.FS { return f.FS }

func isTable(name string) bool { return path.Ext(name) == ".sst" }

// A steadyFile is a file that is written.
type steadyFile struct {
	vfs.File
	fs steadyFS
}

func (f steadyFile) Write(p []byte) (int, error) {
	n, err := f.File.Write(p)
	return n, f.fs.must(err)
}

func (f steadyFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := f.File.WriteAt(p, off)
	return n, f.fs.must(err)
}

func (f steadyFile) Sync() error     { return f.fs.must(f.File.Sync()) }
func (f steadyFile) SyncData() error { return f.fs.must(f.File.SyncData()) }
func (f steadyFile) Close() error    { return f.fs.must(f.File.Close()) }

func (f steadyFile) SyncTo(length int64) (bool, error) {
	full, err := f.File.SyncTo(length)
	return full, f.fs.must(err)
}

// pieceBytes is less than the megabyte at the end of a file that Pebble leaves alone when it asks for it to be written out.
const pieceBytes = 256 << 10

// A tableFile is a table that is written. It reaches the operating system in large pieces: Pebble writes block by block,
// and a page cache that is asked for a few pages at a time takes three times as long.
type tableFile struct {
	vfs.File
	pieces *bufio.Writer
}

func (f tableFile) Write(p []byte) (int, error) { return f.pieces.Write(p) }
func (f tableFile) Sync() error                 { return errors.Join(f.pieces.Flush(), f.File.Sync()) }
func (f tableFile) SyncData() error             { return errors.Join(f.pieces.Flush(), f.File.SyncData()) }
func (f tableFile) Close() error                { return errors.Join(f.pieces.Flush(), f.File.Close()) }
