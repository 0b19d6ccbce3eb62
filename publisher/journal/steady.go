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

func (f steadyFS) make(open func() (vfs.File, error)) (vfs.File, error) {
	var file vfs.File
	err := f.again(func() (err error) {
		file, err = open()
		return err
	})
	if err != nil {
		return nil, err
	}
	return steadyFile{File: file, fs: f}, nil
}

// again repeats what found no space, each time after there was some: [vfs.OnDiskFull] tries once more and no oftener.
func (f steadyFS) again(write func() error) error {
	for {
		err := write()
		if !vfs.IsNoSpaceError(err) || f.disk.isClosing() {
			return f.must(err)
		}
	}
}

func (f steadyFS) Create(name string, category vfs.DiskWriteCategory) (vfs.File, error) {
	file, err := f.make(func() (vfs.File, error) { return f.FS.Create(name, category) })
	if err == nil && isTable(name) {
		file = tableFile{file, bufio.NewWriterSize(file, pieceBytes)}
	}
	return file, err
}

func (f steadyFS) ReuseForWrite(oldname, newname string, category vfs.DiskWriteCategory) (vfs.File, error) {
	return f.make(func() (vfs.File, error) { return f.FS.ReuseForWrite(oldname, newname, category) })
}

func (f steadyFS) OpenDir(name string) (vfs.File, error) {
	return f.make(func() (vfs.File, error) { return f.FS.OpenDir(name) })
}

func (f steadyFS) Rename(oldname, newname string) error {
	return f.again(func() error { return f.FS.Rename(oldname, newname) })
}

func (f steadyFS) Remove(name string) error {
	if !f.disk.opened.Load() && isTable(name) {
		return nil
	}
	return f.disk.raw.Remove(name) // it makes space, and does not wait for any
}

func (f steadyFS) Unwrap() vfs.FS { return f.FS }

func isTable(name string) bool { return path.Ext(name) == ".sst" }

// A steadyFile is a file that is written.
type steadyFile struct {
	vfs.File
	fs steadyFS
}

func (f steadyFile) Write(p []byte) (n int, err error) {
	err = f.fs.again(func() error {
		written, err := f.File.Write(p[n:])
		n += written
		return err
	})
	return n, err
}

func (f steadyFile) WriteAt(p []byte, off int64) (n int, err error) {
	err = f.fs.again(func() error {
		n, err = f.File.WriteAt(p, off)
		return err
	})
	return n, err
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
