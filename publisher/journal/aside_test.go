package journal

import (
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// store appends records to the normal lane, each in a delivery of its own.
func (j *journaling) store(t *testing.T, from, to int) (ids []string) {
	t.Helper()
	for n := from; n <= to; n++ {
		ids = append(ids, strconv.Itoa(n))
		j.mustAppend(t, entry(Normal, strconv.Itoa(n)))
	}
	return ids
}

// compact takes the tables out of the way of the next, which would be merged with them.
func (j *journaling) compact(t *testing.T) {
	t.Helper()
	if err := j.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
}

// A MANIFEST that was cut short hides the newest records. What stood aside must not take their numbers before that is
// found out: one of the two would be lost.
func TestTakenBackIntoWhatIsHidden(t *testing.T) {
	h := &hoard{fs: vfs.NewMem()}
	j := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal"; h.config = *c })
	j.store(t, 1, 10)
	if err := j.SetAside(Normal, 2); err != nil {
		t.Fatal(err)
	}
	if err := j.Trim(map[Lane]uint64{Normal: 5}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	flushTables(t, j)
	j.compact(t)
	manifest, size := "", int64(0)
	for _, name := range h.files(t) {
		if strings.HasPrefix(name, "MANIFEST") {
			info, err := h.fs.Stat("data/journal/" + name)
			if err != nil {
				t.Fatal(err)
			}
			manifest, size = name, info.Size()
		}
	}
	j.store(t, 11, 20)
	flushTables(t, j)
	h.fs = h.clone(t)
	h.remove(t, oldLog(t, h))
	harm(t, h.fs, manifest, func(data []byte) []byte { return data[:size] })

	after := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal" })
	if after.Damaged() == nil {
		t.Error("not found out")
	}
	first, _ := after.Bounds(Normal)
	got := after.ids(t, Normal, first)
	if want := []string{"6", "7", "8", "9", "10", "11", "12", "13", "14", "15", "16", "17", "18", "19", "20", "2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A record of which only the copy that stands aside can be read goes back to its place.
func TestSalvageFromTheCopyThatStandsAside(t *testing.T) {
	h := &hoard{fs: vfs.NewMem()}
	j := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal"; h.config = *c })
	want := j.store(t, 1, 19)
	flushTables(t, j)
	j.compact(t)
	want = append(want, j.store(t, 20, 20)...)
	flushTables(t, j)
	if err := j.SetAside(Normal, 20); err != nil {
		t.Fatal(err)
	}
	want = append(want, j.store(t, 21, 25)...)
	h.fs = h.clone(t)
	h.remove(t, oldLog(t, h))
	only := h.newest(t, ".sst")
	h.remove(t, func(name string) bool { return name == only })

	after := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal" })
	first, _ := after.Bounds(Normal)
	if got := after.ids(t, Normal, first); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := after.Lost(); got != 0 {
		t.Errorf("%d lost, want none", got)
	}
}

// What is taken back stands behind younger records. Its ID lives as long as it does: it has to be found in the stream.
func TestIDOfWhatIsTakenBackDoesNotExpire(t *testing.T) {
	j := start(t, nil)
	j.store(t, 1, 2)
	if err := j.SetAside(Normal, 1); err != nil {
		t.Fatal(err)
	}
	if err := j.Trim(map[Lane]uint64{Normal: 2}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	*j.clock = j.clock.Add(3 * bucketWidth)
	j.store(t, 3, 3)
	j.reopen(t)
	j.store(t, 5, 5) // so that the committer has made its filter: to expire is its work
	for range 2 {
		if err := j.expire(); err != nil {
			t.Fatal(err)
		}
		if l, seq, ok, err := j.Find("ssofy/1"); l != Normal || seq != 4 || !ok || err != nil {
			t.Errorf("found at %s %d %v %v, want normal 4", l, seq, ok, err)
		}
		*j.clock = j.clock.Add(3 * bucketWidth) // nothing is published meanwhile
	}
}

// Nothing is written that the next start would take for damage.
func TestSetAsideOfWhatIsNotThere(t *testing.T) {
	j := start(t, nil)
	j.store(t, 1, 1)
	if err := j.SetAside(Normal, 2); err == nil {
		t.Error("no error")
	}
	j.reopen(t)
	if err := j.Damaged(); err != nil {
		t.Error(err)
	}
}
