package journal

import (
	"errors"
	"log/slog"
	"math/rand/v2"
	"path"
	"reflect"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/cockroachdb/pebble/v2/vfs/errorfs"
)

// An input/output error is all that is read of some files of a journal, until another takes its place.
func unreadableFiles(fs vfs.FS, is func(name string) bool) vfs.FS {
	return failingFiles(fs, is, syscall.EIO)
}

func failingFiles(fs vfs.FS, is func(name string) bool, err error) vfs.FS {
	replaced := func() bool {
		names, _ := fs.List("data")
		return slices.ContainsFunc(names, func(name string) bool { return strings.Contains(name, asideMark) })
	}
	return errorfs.Wrap(fs, errorfs.InjectorFunc(func(op errorfs.Op) error {
		reads := op.Kind == errorfs.OpFileRead || op.Kind == errorfs.OpFileReadAt || op.Kind == errorfs.OpOpen
		if reads && path.Dir(op.Path) == "data/journal" && is(path.Base(op.Path)) && !replaced() {
			return err
		}
		return nil
	}))
}

// remove takes files of a journal away.
func (h *hoard) remove(t *testing.T, is func(name string) bool) {
	t.Helper()
	for _, name := range h.files(t) {
		if is(name) {
			if err := h.fs.Remove("data/journal/" + name); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func isExtension(extension string) func(string) bool {
	return func(name string) bool { return path.Ext(name) == extension }
}

// oldLog tells the logs that Pebble keeps to use them again. What they say is in tables too.
func oldLog(t *testing.T, h *hoard) func(string) bool {
	newest := h.newest(t, ".log")
	return func(name string) bool { return path.Ext(name) == ".log" && name != newest }
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
	for _, extension := range []string{".log", ".sst"} {
		t.Run(extension, func(t *testing.T) {
			h := newHoard(t, false)
			h.remove(t, oldLog(t, h))
			damagedManifest(t, h)
			var said lines
			h.config.Log = slog.New(slog.NewTextHandler(&said, nil))
			o := h.survey(t, unreadableFiles(h.fs, isExtension(extension)))
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
	for _, extension := range []string{".log", ".sst"} {
		h := newHoard(t, true)
		h.remove(t, oldLog(t, h))
		damagedManifest(t, h)
		o := h.survey(t, unreadableFiles(h.fs, isExtension(extension)))
		if len(o.lost) == 0 || uint64(len(o.lost)) != o.counted || o.unknown {
			t.Errorf("%s: %d lost, %d counted, unknown %v", extension, len(o.lost), o.counted, o.unknown)
		}
		if strings.Contains(o.report, "unknown") {
			t.Errorf("%s: %s", extension, o.report)
		}
	}
}

// The ending is gone when the lanes are looked at. What it said is known all the same.
func TestClosedJournalCountsWhatNoLogTellsOf(t *testing.T) {
	h := &hoard{fs: vfs.NewMem()}
	j := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal"; h.config = *c })
	for _, id := range []string{"a", "b", "c"} {
		e := entry(Quarantine, id)
		e.Message.Body = make([]byte, 40_000) // a block of its own
		j.mustAppend(t, e)
	}
	flushTables(t, j)
	j.mustAppend(t, entry(Normal, "d"))
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	h.remove(t, oldLog(t, h))
	harm(t, h.fs, h.newest(t, ".sst"), flip(100_000, 1)) // in c
	j.open(t)
	if got := j.Lost(); got != 1 || j.LostUnknown() {
		t.Errorf("%d lost, want 1; unknown: %v", got, j.LostUnknown())
	}
}

// A file that is not there could have held anything.
func TestMissingFileLosesAnUnknownNumber(t *testing.T) {
	h := newHoard(t, false)
	h.remove(t, oldLog(t, h))
	h.remove(t, isExtension(".sst"))
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

// The end of the newest log after a crash is as it should be.
func TestTornEndIsNotUnread(t *testing.T) {
	h := newHoard(t, false)
	damagedManifest(t, h)
	harm(t, h.fs, h.newest(t, ".log"), func(data []byte) []byte { return append(data, data[:30]...) }) // a commit that was begun
	o := h.survey(t, h.fs)
	if len(o.lost) > 0 || o.counted > 0 || o.unknown || !strings.Contains(o.report, "lost in all: 0 accepted events") {
		t.Errorf("%d lost, %d counted, unknown %v: %s", len(o.lost), o.counted, o.unknown, o.report)
	}
}

// An error that passes says nothing about a file: nothing is salvaged, and the next start tries again.
func TestPassingErrorSalvagesNothing(t *testing.T) {
	for _, extension := range []string{".log", ".sst"} {
		h := newHoard(t, false)
		damagedManifest(t, h)
		before := contents(t, h.fs, "data")
		c := h.config
		c.FS = failingFiles(h.fs, isExtension(extension), syscall.EMFILE)
		if j, err := Open(c); !errors.Is(err, syscall.EMFILE) {
			t.Errorf("%s: got %v, want %v", extension, err, syscall.EMFILE)
			if err == nil {
				_ = j.Close()
			}
		}
		if !reflect.DeepEqual(contents(t, h.fs, "data"), before) {
			t.Errorf("%s: files were changed", extension)
		}
	}
}

// A power cut at any moment of a salvage leaves all events, and the damaged journal.
func TestCrashWhileSalvaging(t *testing.T) {
	whole := newHoard(t, false)
	damagedManifest(t, whole)
	disk := vfs.NewCrashableMem()
	if ok, err := vfs.Clone(whole.fs, disk, "data", "data", vfs.CloneSync); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := syncDir(disk, "/"); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var crashed []*vfs.MemFS
	rng := rand.New(rand.NewPCG(3, 4))
	watched := errorfs.Wrap(disk, errorfs.InjectorFunc(func(op errorfs.Op) error {
		times := 0
		switch {
		case op.Kind == errorfs.OpFileSync && op.Path == "data":
			times = 16 // of the names in it, each may be on the disk or not
		case op.Kind == errorfs.OpFileSync, op.Kind == errorfs.OpRename:
			times = 1
		}
		mu.Lock()
		defer mu.Unlock()
		for range times {
			crashed = append(crashed, disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: 50, RNG: rng}))
		}
		return nil
	}))
	j := start(t, func(c *Config) { c.FS, c.Dir = watched, "data/journal" })
	if j.Damaged() == nil {
		t.Fatal("it was not salvaged")
	}
	mu.Lock()
	moments := crashed
	mu.Unlock()
	for n, fs := range moments {
		if o := whole.survey(t, fs); len(o.lost) > 0 || !o.reported {
			t.Errorf("crash %d of %d: %d lost, reported %v", n, len(moments), len(o.lost), o.reported)
		}
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
