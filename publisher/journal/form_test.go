package journal

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// contents are the files below a folder.
func contents(t *testing.T, fs vfs.FS, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	names, err := fs.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		path := fs.PathJoin(dir, name)
		info, err := fs.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if info.IsDir() {
			for name, text := range contents(t, fs, path) {
				files[name] = text
			}
			continue
		}
		f, err := fs.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		files[path] = string(text)
	}
	return files
}

// written is a hoard whose journal says that it is of a form, or says nothing, as after a crash or closed.
func written(t *testing.T, says string, closed bool) *hoard {
	t.Helper()
	h := newHoard(t, closed)
	j := &Journal{config: h.config, disk: newDisk(h.fs, h.config.Dir, discard)}
	j.disk.opened.Store(true) // remove what Pebble removes
	for l := range j.lanes {
		j.lanes[l].first = 1
	}
	db, err := pebble.Open(h.config.Dir, options(j.disk))
	if err != nil {
		t.Fatal(err)
	}
	if says != "" {
		err = db.Set(formKey(), []byte(says), pebble.Sync)
	} else { // no file may say it either
		err = errors.Join(db.Delete(formKey(), pebble.Sync), db.Compact(t.Context(), []byte{0}, []byte{0xff}, false))
	}
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if closed {
		j.writeEnding()
	}
	return h
}

// formOf gives what an open journal says.
func formOf(t *testing.T, j *Journal) string {
	t.Helper()
	value, err := j.get(formKey())
	if err != nil {
		t.Fatal(err)
	}
	return string(value)
}

func TestNewJournalIsMarked(t *testing.T) {
	disk := vfs.NewCrashableMem()
	j := start(t, func(c *Config) { c.FS, c.Dir = disk, "data/journal" })
	if got := formOf(t, j.Journal); got != "1" {
		t.Errorf("form %q, want 1", got)
	}
	crashed := disk.CrashClone(vfs.CrashCloneCfg{}) // nothing is there but what was flushed
	after := start(t, func(c *Config) { c.FS, c.Dir = crashed, "data/journal" })
	if got := formOf(t, after.Journal); got != "1" {
		t.Errorf("after a crash: form %q, want 1", got)
	}
}

func TestJournalWithoutAFormIsReadAndMarked(t *testing.T) {
	for _, closed := range []bool{true, false} {
		t.Run(fmt.Sprintf("closed %v", closed), func(t *testing.T) {
			h := written(t, "", closed)
			o := h.survey(t, h.fs)
			if len(o.lost) > 0 || o.reported || o.restarts > 0 {
				t.Errorf("got %+v", o)
			}
			c := h.config
			c.FS = h.fs
			j, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if got := formOf(t, j); got != "1" {
				t.Errorf("form %q, want 1", got)
			}
		})
	}
}

// A journal of another version is refused, whatever else is wrong with it, and stays as it is to the last byte.
func TestLaterFormIsRefused(t *testing.T) {
	rot := func(what string, change func([]byte) []byte) func(*testing.T, *hoard) {
		return func(t *testing.T, h *hoard) {
			for _, name := range h.files(t) {
				if strings.Contains(name, what) {
					harm(t, h.fs, name, change)
				}
			}
		}
	}
	empty := func([]byte) []byte { return nil }
	for name, harm := range map[string]func(*testing.T, *hoard){
		"whole":               func(*testing.T, *hoard) {},
		"a bit of its ending": rot(endingName, flip(3, 1)),
		"a bit of each table": rot(".sst", flip(3000, 1)),
		"no MANIFEST":         rot("MANIFEST", empty),
		"no OPTIONS":          rot("OPTIONS", empty),
		"a note of damage": func(t *testing.T, h *hoard) {
			if err := writeFile(h.fs, "data/journal/"+damageNote, "000007.sst: checksum"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		for _, says := range []string{"2", "12", "1.1", "-1", "\x00\x01"} {
			t.Run(fmt.Sprintf("%s, form %q", name, says), func(t *testing.T) {
				h := written(t, says, true)
				harm(t, h)
				before := contents(t, h.fs, "data")
				c := h.config
				c.FS = h.fs
				j, err := Open(c)
				if err == nil {
					_ = j.Close()
					t.Fatal("it is opened")
				}
				said := strings.Trim(fmt.Sprintf("%q", says), `"`)
				for _, part := range []string{"data/journal", said, "forms 0 to 1", "run the version that wrote it"} {
					if !strings.Contains(err.Error(), part) {
						t.Errorf("the error does not say %q: %v", part, err)
					}
				}
				if after := contents(t, h.fs, "data"); !reflect.DeepEqual(after, before) {
					t.Error("files were changed")
				}
			})
		}
	}
}

// Pebble's own later formats are refused in the same words.
func TestLaterFormatOfPebbleIsRefused(t *testing.T) {
	h := newHoard(t, true)
	names, err := h.fs.List("data/journal")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if rest, ok := strings.CutPrefix(name, "marker.format-version."); ok {
			number, _, _ := strings.Cut(rest, ".")
			if err := h.fs.Rename("data/journal/"+name, "data/journal/marker.format-version."+number+".999"); err != nil {
				t.Fatal(err)
			}
		}
	}
	before := contents(t, h.fs, "data")
	c := h.config
	c.FS = h.fs
	if j, err := Open(c); err == nil || !strings.Contains(err.Error(), "run the version that wrote it") {
		t.Errorf("got %v", err)
		if err == nil {
			_ = j.Close()
		}
	}
	if after := contents(t, h.fs, "data"); !reflect.DeepEqual(after, before) {
		t.Error("files were changed")
	}
}

func TestSalvagedJournalIsMarked(t *testing.T) {
	for name, says := range map[string]string{"no form": "", "form 1": "1"} {
		t.Run(name, func(t *testing.T) {
			h := written(t, says, true)
			harm(t, h.fs, h.largest(t, ".sst"), flip(3000, 1))
			c := h.config
			c.FS = h.fs
			j, err := Open(c)
			if err != nil {
				t.Fatal(err)
			}
			defer j.Close()
			if j.Damaged() == nil {
				t.Error("it was not salvaged")
			}
			if got := formOf(t, j); got != "1" {
				t.Errorf("form %q, want 1", got)
			}
		})
	}
}

// It is marked before it takes the place of the other: an unmarked one would be of form 0.
func TestSalvageMarks(t *testing.T) {
	h := newHoard(t, true)
	j := &Journal{config: h.config, disk: newDisk(h.fs, h.config.Dir, discard)}
	if err := (&salvage{journal: j}).run(); err != nil {
		t.Fatal(err)
	}
	db, err := pebble.Open(h.config.Dir+salvagedMark, options(j.disk))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if got, err := get(db, formKey()); string(got) != "1" || err != nil {
		t.Errorf("form %q, want 1; %v", got, err)
	}
}

// A form that cannot be read is damage like any other.
func TestUnreadableFormIsSalvaged(t *testing.T) {
	h := written(t, "1", true)
	for _, name := range h.files(t) {
		if strings.HasSuffix(name, ".log") {
			harm(t, h.fs, name, flip(20, 3)) // in the first block of each
		}
	}
	o := h.survey(t, h.fs)
	if !o.reported {
		t.Errorf("it was not salvaged: %+v", o)
	}
}
