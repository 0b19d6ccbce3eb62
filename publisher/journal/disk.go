package journal

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// A disk watches over the journal's file system. Two things may go wrong with it: it is full, which passes, and a write or
// flush fails, which does not: what a failed flush left behind is unknown until the journal is opened anew.
type disk struct {
	fs      vfs.FS
	raw     vfs.FS
	dir     string
	log     *slog.Logger
	stalled atomic.Pointer[chan struct{}] // closed while the disk is full
	failed  chan struct{}
	fail    sync.Once
	reason  atomic.Value // string
	closing chan struct{}
	opened  atomic.Bool            // the journal is open
	found   atomic.Pointer[damage] // before it was
}

func newDisk(fs vfs.FS, dir string, log *slog.Logger) *disk {
	d := &disk{
		raw: fs, dir: dir, log: log,
		failed: make(chan struct{}), closing: make(chan struct{}),
	}
	d.hasSpace()
	d.fs = steadyFS{vfs.OnDiskFull(fs, d.waitForSpace), d}
	return d
}

func (d *disk) err() error {
	select {
	case <-d.failed:
		return fmt.Errorf("%w: %v; restart forebay", ErrFailed, d.reason.Load())
	default:
	}
	select {
	case <-d.full():
		return ErrDiskFull
	default:
		return nil
	}
}

// full gives a channel that is closed when the disk is found full.
func (d *disk) full() <-chan struct{} { return *d.stalled.Load() }

func (d *disk) hasSpace() {
	stalled := make(chan struct{})
	d.stalled.Store(&stalled)
}

// spare is the space that is left to Pebble for tidying up, which is how it frees space: a twentieth of a small disk.
func spare(total uint64) uint64 { return min(64<<20, total/20) }

// reserve refuses a commit that would eat into the spare space.
func (d *disk) reserve(n int) error {
	usage, err := d.raw.GetDiskUsage(d.dir)
	if err != nil {
		return nil // not every file system tells; then a full disk shows when it is written to
	}
	if usage.AvailBytes < spare(usage.TotalBytes)+uint64(n) {
		return ErrDiskFull
	}
	return nil
}

// memTable is the size of a memory table. Pebble keeps about five logs of that size, in use or to be used again, which a
// small disk would have no room for.
func (d *disk) memTable() uint64 {
	const most = 8 << 20
	usage, err := d.raw.GetDiskUsage(d.dir)
	if err != nil {
		return most
	}
	return min(max(usage.TotalBytes/256, 1<<20), most)
}

// waitForSpace is called when a write found no space. All writes wait until it returns and are then tried once more.
func (d *disk) waitForSpace() {
	if d.err() == nil {
		close(*d.stalled.Load()) // it may be closed already, while the journal is being closed
	}
	d.log.Error("disk is full: deliveries are refused until there is space", "path", d.dir)
	for {
		select {
		case <-d.closing:
			return
		case <-time.After(100 * time.Millisecond):
		}
		usage, err := d.raw.GetDiskUsage(d.dir)
		if err != nil || usage.AvailBytes >= spare(usage.TotalBytes)/4 { // [disk.reserve] keeps the rest for tidying up
			break
		}
	}
	d.hasSpace()
	d.log.Info("disk has space again", "path", d.dir)
}

func (d *disk) isClosing() bool {
	select {
	case <-d.closing:
		return true
	default:
		return false
	}
}

// Infof drops Pebble's chatter.
func (d *disk) Infof(string, ...any) {}

// Errorf passes Pebble's errors on.
func (d *disk) Errorf(format string, args ...any) {
	d.log.Error("journal database", "err", fmt.Sprintf(format, args...))
}

// Fatalf is called by Pebble when it cannot go on, most often because a flush failed, and must not return: the goroutine
// is held for ever, and the journal takes nothing more.
func (d *disk) Fatalf(format string, args ...any) {
	d.giveUp(fmt.Sprintf(format, args...))
	select {}
}

func (d *disk) giveUp(reason string) {
	reason, _, _ = strings.Cut(reason, "\n") // stack traces follow
	d.fail.Do(func() {
		d.reason.Store(reason)
		d.log.Error("journal failed", "err", reason)
		close(d.failed)
	})
}

// options suit a log that is written once, read once and deleted from the front, with an index beside it that is asked for
// keys it does not have.
func options(d *disk) *pebble.Options {
	table := d.memTable()
	o := &pebble.Options{
		FS:                          d.fs,
		Logger:                      d,
		FormatMajorVersion:          pebble.FormatValueSeparation, // named, so that a newer Pebble does not end the way back
		CacheSize:                   8<<20 + 2*int64(table),       // Pebble takes the memory tables out of it
		MemTableSize:                table,
		MemTableStopWritesThreshold: 4,
		L0CompactionThreshold:       120, // Pebble begins at half of it, sixty flushes: each compaction of IDs writes many of them again
		L0StopWritesThreshold:       180,
		L0CompactionFileThreshold:   1 << 20, // records stay in the tables they were flushed to, however many those are
		FlushDelayDeleteRange:       10 * time.Second,
		EventListener:               &pebble.EventListener{DataCorruption: d.corrupt},
	}
	o.Experimental.SpanPolicyFunc = apart
	for l := range o.TargetFileSizes {
		o.TargetFileSizes[l] = int64(table) // a backlog is few tables: each takes memory, and two syncs when it is made
	}
	for l := range o.Levels {
		o.Levels[l].BlockSize = 16 << 10                                                              // records are read one after the other, and IDs seldom
		o.Levels[l].FilterPolicy = pebble.NoFilterPolicy                                              // that of a large table is dearer to read than a block in the page cache
		o.Levels[l].Compression = func() *sstable.CompressionProfile { return sstable.NoCompression } // it is deleted soon
	}
	o.Levels[0].FilterPolicy = bloom.FilterPolicy(10) // many small tables, and any of them may have an ID
	return o
}

// apart ends a table of Pebble's where the records of a lane begin or end. Without that each would hold IDs and records of
// all lanes, and every compaction of the IDs, whose hashes fall anywhere, would write the records around them again. Apart,
// records are moved as they are, and go as whole tables when they are trimmed. No end: there is no border behind key.
func apart(key []byte) (policy pebble.SpanPolicy, end []byte, err error) {
	for l := range lanes + 1 {
		if end := []byte{tableRecord, byte(l)}; bytes.Compare(key, end) < 0 {
			return policy, end, nil
		}
	}
	return policy, nil, nil
}
