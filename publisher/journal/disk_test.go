package journal

import (
	"context"
	"errors"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// A troubledFS fails operations on demand, and says how much space it has.
type troubledFS struct {
	vfs.FS
	avail *atomic.Uint64
}

func (f troubledFS) GetDiskUsage(string) (vfs.DiskUsage, error) {
	return vfs.DiskUsage{AvailBytes: f.avail.Load(), TotalBytes: 1 << 30}, nil
}

func troubled(fails func(errorfs.Op) error) troubledFS {
	f := troubledFS{
		FS:    errorfs.Wrap(vfs.NewMem(), errorfs.InjectorFunc(fails)),
		avail: new(atomic.Uint64),
	}
	f.avail.Store(1 << 30)
	return f
}

func writes(op errorfs.Op) bool {
	return op.Kind == errorfs.OpFileWrite || op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpFilePreallocate
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) { //nolint:forbidigo // between two looks, with a deadline
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// wantClose closes a journal that may be held up.
func wantClose(t *testing.T, j *Journal) {
	t.Helper()
	closed := make(chan error, 1)
	go func() { closed <- j.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Close hangs")
	}
}

func TestFullDiskPasses(t *testing.T) {
	var full atomic.Bool
	fs := troubled(func(op errorfs.Op) error {
		if full.Load() && writes(op) {
			return syscall.ENOSPC
		}
		return nil
	})
	j := start(t, func(c *Config) { c.FS, c.Dir = fs, "journal" })
	j.mustAppend(t, entry(Normal, "before"))

	full.Store(true)
	fs.avail.Store(0)
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "refused")}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("got %v, want %v", err, ErrDiskFull)
	}
	if err := j.Ready(); !errors.Is(err, ErrDiskFull) {
		t.Errorf("ready: %v, want %v", err, ErrDiskFull)
	}
	full.Store(false)
	fs.avail.Store(1 << 30)
	j.mustAppend(t, entry(Normal, "after"))
	if got := j.ids(t, Normal, 1); len(got) != 2 || got[1] != "after" {
		t.Errorf("got %v", got)
	}
}

// Somebody else takes the last space between the look and the write.
func TestDiskFillsUpUnderAWrite(t *testing.T) {
	var full atomic.Bool
	var fs troubledFS
	fs = troubled(func(op errorfs.Op) error {
		if full.Load() && writes(op) {
			fs.avail.Store(0)
			return syscall.ENOSPC
		}
		return nil
	})
	j := start(t, func(c *Config) { c.FS, c.Dir = fs, "journal" })
	full.Store(true)
	appended := make(chan error, 1)
	go func() {
		_, err := j.Append(t.Context(), []Entry{entry(Normal, "caught")})
		appended <- err
	}()
	// The write is held, and with it the database. Nobody waits for it.
	if err := <-appended; !errors.Is(err, ErrDiskFull) {
		t.Errorf("the write that was caught: %v, want %v", err, ErrDiskFull)
	}
	eventually(t, "the journal says that the disk is full", func() bool { return errors.Is(j.Err(), ErrDiskFull) })
	full.Store(false)
	fs.avail.Store(1 << 30)
	eventually(t, "the journal takes events again", func() bool { return j.Err() == nil })
	if n := j.mustAppend(t, entry(Normal, "caught"), entry(Normal, "after")); n != 1 {
		t.Errorf("the repetition of the one that was caught: %d duplicates, want 1", n)
	}
}

func TestOpenOnAFullDisk(t *testing.T) {
	var full atomic.Bool
	full.Store(true)
	fs := troubled(func(op errorfs.Op) error {
		if full.Load() && writes(op) {
			return syscall.ENOSPC
		}
		return nil
	})
	fs.avail.Store(0)
	j := start(t, func(c *Config) { c.FS, c.Dir = fs, "journal" })
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "a")}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("got %v, want %v", err, ErrDiskFull)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := j.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("wait: got %v, want %v", err, context.Canceled)
	}
	full.Store(false)
	fs.avail.Store(1 << 30)
	eventually(t, "the journal opens", func() bool { return j.Err() == nil })
	j.mustAppend(t, entry(Normal, "a"))
}

func TestFailedFlushIsNeverASuccess(t *testing.T) {
	var broken atomic.Bool
	fs := troubled(func(op errorfs.Op) error {
		if broken.Load() && (op.Kind == errorfs.OpFileSync || op.Kind == errorfs.OpFileSyncData || op.Kind == errorfs.OpFileSyncTo) {
			return syscall.EIO
		}
		return nil
	})
	j, err := Open(Config{FS: fs, Dir: "journal", Now: time.Now, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	broken.Store(true)
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "a")}); !errors.Is(err, ErrFailed) {
		t.Errorf("got %v, want %v", err, ErrFailed)
	}
	broken.Store(false) // one failed flush is enough: what it left behind is unknown
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "b")}); !errors.Is(err, ErrFailed) {
		t.Errorf("got %v, want %v", err, ErrFailed)
	}
	if err := j.SetMark("IDENTITY", nil, true); !errors.Is(err, ErrFailed) {
		t.Errorf("mark: got %v, want %v", err, ErrFailed)
	}
	if err := j.Trim(nil, "IDENTITY", nil); !errors.Is(err, ErrFailed) {
		t.Errorf("trim: got %v, want %v", err, ErrFailed)
	}
	if err := j.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

// A disk may have blocks and still nothing to write to, such as no inode: what is tried again fails again, and then not.
func TestNoSpaceAgainAndAgain(t *testing.T) {
	var full atomic.Bool
	var refused atomic.Int32
	fs := troubled(func(op errorfs.Op) error {
		if full.Load() && writes(op) {
			refused.Add(1)
			return syscall.ENOSPC
		}
		return nil
	})
	j := start(t, func(c *Config) { c.FS, c.Dir = fs, "journal" })
	full.Store(true)
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "caught")}); !errors.Is(err, ErrDiskFull) {
		t.Errorf("got %v, want %v", err, ErrDiskFull)
	}
	eventually(t, "it is tried again and again", func() bool { return refused.Load() > 5 })
	full.Store(false)
	eventually(t, "the journal takes events again", func() bool {
		_, err := j.Append(t.Context(), []Entry{entry(Normal, "after")})
		return err == nil
	})
	if got := j.ids(t, Normal, 1); len(got) != 2 || got[0] != "caught" || got[1] != "after" {
		t.Errorf("got %v", got)
	}
}

// A table meets the full disk while nobody appends, and meets it again when the committer has ended.
func TestCloseWhileATableFindsNoSpace(t *testing.T) {
	var j *Journal
	var full atomic.Bool
	var fs troubledFS
	fs = troubled(func(op errorfs.Op) error {
		if !full.Load() || !writes(op) || !isTable(op.Path) {
			return nil
		}
		if fs.avail.Swap(0) == 0 {
			<-j.ended
			time.Sleep(50 * time.Millisecond) //nolint:forbidigo // Close goes on to the database meanwhile
		}
		return syscall.ENOSPC
	})
	j, err := Open(Config{FS: fs, Dir: "journal", Now: time.Now, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "a")}); err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	if _, err := j.db.AsyncFlush(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the disk is full", func() bool { return errors.Is(j.Err(), ErrDiskFull) })
	wantClose(t, j)
}

func TestCloseOnAFullDisk(t *testing.T) {
	var full atomic.Bool
	var fs troubledFS
	fs = troubled(func(op errorfs.Op) error {
		if full.Load() && writes(op) {
			fs.avail.Store(0)
			return syscall.ENOSPC
		}
		return nil
	})
	j, err := Open(Config{FS: fs, Dir: "journal", Now: time.Now, Log: discard})
	if err != nil {
		t.Fatal(err)
	}
	full.Store(true)
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "caught")}); !errors.Is(err, ErrDiskFull) {
		t.Fatal(err)
	}
	wantClose(t, j)
}
