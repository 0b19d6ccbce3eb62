package journal

import (
	"log/slog"
	"path"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// unreadableFile is a file system on which a file of the journal cannot be read.
func unreadableFile(fs vfs.FS, name string) vfs.FS {
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		reads := op.Kind == errorfs.OpFileRead || op.Kind == errorfs.OpFileReadAt || op.Kind == errorfs.OpOpen
		if reads && path.Dir(op.Path) == "data/journal" && path.Base(op.Path) == name {
			return syscall.EIO
		}
		return nil
	}))
}

// damagedManifest makes a start salvage, whatever else can be read.
func damagedManifest(t *testing.T, h *hoard) {
	t.Helper()
	for _, name := range h.files(t) {
		if strings.HasPrefix(name, "MANIFEST") {
			harm(t, h.fs, name, func([]byte) []byte { return nil })
		}
	}
}

func readReport(t *testing.T, fs vfs.FS) string {
	t.Helper()
	for name, text := range contents(t, fs, "data") {
		if path.Base(name) == salvageReport {
			return text
		}
	}
	t.Fatal("no report")
	return ""
}

// A log that cannot be read may have held events that nothing else tells of. Then their number is not said to be 0.
func TestUnreadFileLosesAnUnknownNumber(t *testing.T) {
	for name, find := range map[string]func(*hoard) string{
		"the newest log":    func(h *hoard) string { return h.newest(t, ".log") },
		"the largest table": func(h *hoard) string { return h.largest(t, ".sst") },
	} {
		t.Run(name, func(t *testing.T) {
			h := newHoard(t, false)
			file := find(h)
			damagedManifest(t, h)
			var said lines
			h.config.Log = slog.New(slog.NewTextHandler(&said, nil))
			o := h.survey(t, unreadableFile(h.fs, file))
			t.Logf("%d lost, %d counted: %s", len(o.lost), o.counted, o.report)
			if len(o.lost) == 0 {
				t.Fatal("nothing is lost: this shows nothing")
			}
			const unknown = "an unknown number of accepted events, at least "
			if !o.unknown {
				t.Error("the journal says that it knows")
			}
			for where, text := range map[string]string{"the problem": o.report, "the report": readReport(t, h.fs)} {
				if !strings.Contains(text, unknown) {
					t.Errorf("%s does not say it: %s", where, text)
				}
			}
			if !strings.Contains(said.String(), "an unknown number of events is lost") {
				t.Error("the log does not say it")
			}
		})
	}
}

// A journal that was closed knows what it had, whatever can be read of it.
func TestUnreadFileOfAClosedJournalIsCounted(t *testing.T) {
	for _, find := range []func(*hoard) string{
		func(h *hoard) string { return h.newest(t, ".log") },
		func(h *hoard) string { return h.largest(t, ".sst") },
	} {
		h := newHoard(t, true)
		file := find(h)
		damagedManifest(t, h)
		o := h.survey(t, unreadableFile(h.fs, file))
		if len(o.lost) == 0 || uint64(len(o.lost)) != o.counted || o.unknown {
			t.Errorf("%s: %d lost, %d counted, unknown %v", file, len(o.lost), o.counted, o.unknown)
		}
		if strings.Contains(o.report, "unknown") {
			t.Errorf("%s: %s", file, o.report)
		}
	}
}

// The ending is gone when the tables are looked at. What it said is known all the same.
func TestClosedJournalCountsWhatNoLogTellsOf(t *testing.T) {
	h := &hoard{fs: vfs.NewMem()}
	j := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal"; h.config = *c })
	for _, id := range []string{"a", "b", "c"} {
		j.mustAppend(t, entry(Quarantine, id))
	}
	flushTables(t, j)
	j.mustAppend(t, entry(Normal, "d"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	harm(t, h.fs, h.largest(t, ".sst"), flip(100, 1))
	newest := h.newest(t, ".log")
	for _, name := range h.files(t) { // Pebble keeps logs to use them again, and what was in them
		if path.Ext(name) == ".log" && name != newest {
			if err := h.fs.Remove("data/journal/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
	j.open(t)
	if got := j.Lost(); got != 3 || j.LostUnknown() {
		t.Errorf("%d lost, want 3; unknown: %v", got, j.LostUnknown())
	}
}

// A file that is not there could have held anything.
func TestMissingFileLosesAnUnknownNumber(t *testing.T) {
	h := newHoard(t, false)
	if err := h.fs.Remove("data/journal/" + h.largest(t, ".sst")); err != nil {
		t.Fatal(err)
	}
	o := h.survey(t, h.fs)
	if len(o.lost) == 0 || !o.unknown || !strings.Contains(o.report, "an unknown number") {
		t.Errorf("%d lost, unknown %v: %s", len(o.lost), o.unknown, o.report)
	}
}

// A journal whose report is gone, or says less, is not one that lost nothing.
func TestReportThatIsGone(t *testing.T) {
	fs := vfs.NewMem()
	j := start(t, func(c *Config) { c.FS, c.Dir = fs, "data/journal" })
	if err := fs.MkdirAll("data/journal"+asideMark+"20260301T120000Z", 0o700); err != nil {
		t.Fatal(err)
	}
	if err := j.Damaged(); err == nil || !strings.Contains(err.Error(), "lost in all: unknown;") {
		t.Errorf("got %v", err)
	}
}

// lines are what several goroutines wrote.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
