package journal

import (
	"errors"
	"path"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// Pebble changes to a new log when a memory table is full, and panics where that fails.
func TestFailedChangeOfLogs(t *testing.T) {
	for name, fails := range map[string]func(errorfs.Op) bool{
		"the next cannot be made": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpCreate || op.Kind == errorfs.OpReuseForWrite
		},
		"the last cannot be ended": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileWrite && path.Ext(op.Path) == ".log"
		},
		"its name is not flushed": func(op errorfs.Op) bool {
			return op.Kind == errorfs.OpFileSync && op.Path == "journal"
		},
	} {
		t.Run(name, func(t *testing.T) {
			var broken atomic.Bool
			fs := troubled(func(op errorfs.Op) error {
				if broken.Load() && fails(op) {
					return syscall.EIO
				}
				return nil
			})
			j := start(t, func(c *Config) { c.FS, c.Dir = fs, "journal" })
			broken.Store(true)
			e := entry(Normal, "")
			e.Message.Body = make([]byte, 1<<20)
			var err error
			for n := 0; err == nil && n < 100; n++ {
				e.Message.ID = string(rune('a' + n))
				_, err = j.Append(t.Context(), []Entry{e})
			}
			if !errors.Is(err, ErrFailed) {
				t.Errorf("got %v, want %v", err, ErrFailed)
			}
			if err := j.Close(); err != nil {
				t.Errorf("close: %v", err)
			}
		})
	}
}
