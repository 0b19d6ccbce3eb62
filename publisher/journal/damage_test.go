package journal

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/forebayhq/forebay/schema"
)

// A hoard is a journal folder of known content.
type hoard struct {
	fs      *vfs.MemFS
	config  Config
	stored  map[string]schema.Message // by ID
	waiting [lanes][]string           // the IDs that are not trimmed, in order
}

// newHoard makes a journal with records, IDs and marks in logs and in tables of several levels, and one that stands aside.
// It ends as after a crash, or closed.
func newHoard(t *testing.T, closed bool) *hoard {
	t.Helper()
	h := &hoard{fs: vfs.NewMem(), stored: map[string]schema.Message{}}
	j := start(t, func(c *Config) { c.FS, c.Dir = h.fs, "data/journal"; h.config = *c })
	rng := rand.New(rand.NewPCG(1, 2))
	h.fill(t, j, rng, 150)
	flushTables(t, j)
	h.fill(t, j, rng, 100)
	if err := j.SetAside(Normal, 3); err != nil {
		t.Fatal(err)
	}
	h.trim(t, j, Normal, 70)
	h.trim(t, j, Urgent, 5)
	flushTables(t, j)
	if err := j.db.Compact(t.Context(), []byte{0}, []byte{0xff}, false); err != nil {
		t.Fatal(err)
	}
	h.fill(t, j, rng, 60)
	flushTables(t, j)
	h.fill(t, j, rng, 120)
	if closed {
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	h.fs = h.clone(t)
	return h
}

func flushTables(t *testing.T, j *journaling) {
	t.Helper()
	if err := j.db.Flush(); err != nil {
		t.Fatal(err)
	}
}

func (h *hoard) fill(t *testing.T, j *journaling, rng *rand.Rand, n int) {
	t.Helper()
	for range n {
		*j.clock = j.clock.Add(time.Second)
		var entries []Entry
		for range 1 + rng.IntN(3) {
			l := Lane(min(2, rng.IntN(8)/3))
			id := strconv.Itoa(len(h.stored))
			e := entry([]Lane{Normal, Urgent, Quarantine}[l], id)
			e.Message.Body = fmt.Appendf(nil, "%s: %x", id, make([]byte, rng.IntN(400)))
			entries = append(entries, e)
			h.stored[e.Message.ID] = e.Message
			h.waiting[e.Lane] = append(h.waiting[e.Lane], e.Message.ID)
		}
		j.mustAppend(t, entries...)
	}
}

func (h *hoard) trim(t *testing.T, j *journaling, l Lane, upTo uint64) {
	t.Helper()
	if err := j.Trim(map[Lane]uint64{l: upTo}, "IDENTITY", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	h.waiting[l] = h.waiting[l][upTo:]
}

func (h *hoard) clone(t *testing.T) *vfs.MemFS { return clone(t, h.fs) }

// clone is the file system as the next process finds it: without the locks of the one before.
func clone(t *testing.T, fs vfs.FS) *vfs.MemFS {
	t.Helper()
	copied := vfs.NewMem()
	if ok, err := vfs.Clone(fs, copied, "data", "data"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	return copied
}

func (h *hoard) files(t *testing.T) (names []string) {
	t.Helper()
	all, err := h.fs.List("data/journal")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range all {
		if name != "LOCK" && !strings.HasPrefix(name, "marker.") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// newest is the name of the newest file with an extension.
func (h *hoard) newest(t *testing.T, extension string) (name string) {
	t.Helper()
	for _, file := range h.files(t) {
		if path.Ext(file) == extension {
			name = file
		}
	}
	return name
}

// largest is the name of the largest file with an extension.
func (h *hoard) largest(t *testing.T, extension string) (name string) {
	t.Helper()
	most := int64(0)
	for _, file := range h.files(t) {
		info, err := h.fs.Stat(h.fs.PathJoin("data/journal", file))
		if err != nil {
			t.Fatal(err)
		}
		if path.Ext(file) == extension && info.Size() > most {
			name, most = file, info.Size()
		}
	}
	return name
}

// harm changes a file of a journal.
func harm(t *testing.T, fs vfs.FS, name string, change func([]byte) []byte) {
	t.Helper()
	name = fs.PathJoin("data/journal", name)
	f, err := fs.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	if f, err = fs.Create(name, vfs.WriteCategoryUnspecified); err != nil {
		t.Fatal(err)
	}
	_, err = f.Write(change(data))
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
}

func flip(at, bit int) func([]byte) []byte {
	return func(data []byte) []byte { data[at%len(data)] ^= 1 << bit; return data }
}

// An outcome is what a start made of a damaged journal.
type outcome struct {
	restarts int
	lost     []string // what was stored, and is not there
	counted  uint64   // what the journal says is lost
	unknown  bool     // it says that it may be more
	reported bool
	report   string
}

// survey opens a damaged journal as a supervisor does, which starts forebay again when it fails, and compares everything
// in it with what was stored.
func (h *hoard) survey(t *testing.T, fs vfs.FS) (o outcome) {
	t.Helper()
	for ; o.restarts < 3; o.restarts++ {
		c := h.config
		c.FS = fs
		j, err := Open(c)
		if err != nil {
			t.Fatalf("does not open: %v", err)
		}
		got, err := h.readAll(t, j)
		if err == nil {
			err = h.repeat(t, j, got)
		}
		o.counted += j.Lost()
		o.unknown = o.unknown || j.LostUnknown()
		if errs := j.Damaged(); errs != nil {
			o.reported, o.report = true, errs.Error()
		}
		failed := errors.Is(j.Err(), ErrFailed)
		if closeErr := j.Close(); closeErr != nil {
			t.Errorf("close: %v", closeErr)
		}
		if err == nil {
			o.lost = h.missing(got)
			return o
		}
		if !failed {
			t.Fatalf("reading goes wrong, and the journal does not say that it failed: %v", err)
		}
		fs = clone(t, fs)
	}
	t.Fatal("does not come to rest")
	return o
}

func (h *hoard) readAll(t *testing.T, j *Journal) (got map[string]bool, err error) {
	t.Helper()
	got = map[string]bool{}
	for _, l := range Lanes() {
		var ids []string
		at, last := j.Bounds(l)
		for at <= last {
			records, err := j.Read(l, at, 1000, nil)
			if err != nil {
				return nil, err
			}
			if len(records) == 0 {
				t.Fatalf("lane %s ends at %d, and should at %d", l, at, last)
			}
			for i := range records {
				r := &records[i]
				if r.Seq != at {
					t.Fatalf("lane %s: record %d where %d was expected", l, r.Seq, at)
				}
				if want := h.stored[r.Message.ID]; !reflect.DeepEqual(r.Message, want) {
					t.Fatalf("lane %s: got what was never stored: %+v", l, r.Message)
				}
				if got[r.Message.ID] {
					t.Errorf("%s is there twice", r.Message.ID)
				}
				got[r.Message.ID] = true
				if slices.Contains(h.waiting[l], r.Message.ID) {
					ids = append(ids, r.Message.ID)
				}
				at++
			}
		}
		h.inOrder(t, l, ids)
	}
	return got, nil
}

func (h *hoard) inOrder(t *testing.T, l Lane, ids []string) {
	t.Helper()
	rest := h.waiting[l]
	for _, id := range ids {
		at := slices.Index(rest, id)
		if at < 0 {
			t.Fatalf("lane %s: %s is not in order", l, id)
		}
		rest = rest[at+1:]
	}
}

// repeat sends the events that are not trimmed again: what is there is a duplicate, and what is lost is not.
func (h *hoard) repeat(t *testing.T, j *Journal, got map[string]bool) error {
	t.Helper()
	for l, ids := range h.waiting {
		for _, id := range ids {
			e := Entry{Lane: Lane(l), Horizon: 96 * time.Hour, Message: h.stored[id]}
			duplicates, err := j.Append(context.Background(), []Entry{e})
			if err != nil {
				return err
			}
			if got[id] != (duplicates == 1) {
				t.Fatalf("lane %s: %s is there: %v; its repetition is a duplicate: %v", Lane(l), id, got[id], duplicates == 1)
			}
		}
	}
	return nil
}

func (h *hoard) missing(got map[string]bool) (lost []string) {
	for _, ids := range h.waiting {
		for _, id := range ids {
			if !got[id] {
				lost = append(lost, id)
			}
		}
	}
	return lost
}

func TestDamage(t *testing.T) {
	h := newHoard(t, true)
	log, largest, manifest := h.newest(t, ".log"), h.largest(t, ".sst"), ""
	for _, name := range h.files(t) {
		if strings.HasPrefix(name, "MANIFEST") {
			manifest = name
		}
	}
	half := func(data []byte) []byte { return data[:len(data)/2] }
	short := func(data []byte) []byte { return data[:len(data)-1] }
	end := func(data []byte) []byte { return data[:len(data)-10] }
	thirds := func(data []byte) []byte { return data[:len(data)*2/3] }
	middle := func(data []byte) []byte { data[len(data)/2] ^= 0x10; return data }
	all := func([]byte) []byte { return nil }
	for _, c := range []struct {
		name, file string
		change     func([]byte) []byte
		most       int // lost
	}{
		{"a bit in the newest log", log, middle, 120},
		{"the newest log half", log, half, 200},
		{"the newest log without its last byte", log, short, 0},
		{"the newest log empty", log, all, 300},
		{"a bit in the newest table", h.newest(t, ".sst"), middle, 60},
		{"half of the newest table", h.newest(t, ".sst"), half, 200},
		{"the largest table without its end", largest, end, 0},
		{"two thirds of the largest table", largest, thirds, 200},
		{"a bit in the MANIFEST", manifest, middle, 0},
		{"the MANIFEST half", manifest, half, 0},
		{"the MANIFEST empty", manifest, all, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			fs := h.clone(t)
			harm(t, fs, c.file, c.change)
			o := h.survey(t, fs)
			t.Logf("%d lost, %d counted, %d restarts\n%s", len(o.lost), o.counted, o.restarts, o.report)
			if !o.reported {
				t.Error("not reported")
			}
			if uint64(len(o.lost)) != o.counted {
				t.Errorf("%d lost, and %d counted", len(o.lost), o.counted)
			}
			if len(o.lost) > c.most {
				t.Errorf("%d lost, want %d at most", len(o.lost), c.most)
			}
		})
	}
}

// damages is how many damages are tried: few, so that the tests stay fast, or FOREBAY_DAMAGES.
func damages(t *testing.T) int {
	text := os.Getenv("FOREBAY_DAMAGES")
	if text == "" {
		return 40
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FOREBAY_DAMAGES: %v", err)
	}
	return n
}

// Whatever is damaged, the journal opens, gives nothing that was not stored, and knows what it lost.
func TestRandomDamage(t *testing.T) {
	seed := rand.Uint64()
	if text := os.Getenv("FOREBAY_SEED"); text != "" {
		seed, _ = strconv.ParseUint(text, 10, 64)
	}
	for _, closed := range []bool{true, false} {
		h := newHoard(t, closed)
		for n := range damages(t) {
			rng := rand.New(rand.NewPCG(seed, uint64(n)))
			fs, file := h.clone(t), h.files(t)[rng.IntN(len(h.files(t)))]
			what := ""
			harm(t, fs, file, func(data []byte) []byte {
				switch at := rng.IntN(len(data) + 1); rng.IntN(4) {
				case 0:
					what = fmt.Sprintf("%s cut at %d of %d", file, at, len(data))
					return data[:at]
				case 1:
					what = fmt.Sprintf("%s zeroed from %d of %d", file, at, len(data))
					clear(data[at:min(len(data), at+4096)])
					return data
				default:
					what = fmt.Sprintf("%s bit at %d of %d", file, at, len(data))
					return flip(at, rng.IntN(8))(append(bytes.Clone(data), make([]byte, max(0, 1-len(data)))...))
				}
			})
			ok := t.Run(what, func(t *testing.T) {
				o := h.survey(t, fs)
				if len(o.lost) > 0 && !o.reported && (closed || file != h.newest(t, ".log")) {
					t.Errorf("lost %d without a word", len(o.lost))
				}
				if uint64(len(o.lost)) > o.counted && (closed || o.reported && !o.unknown) {
					t.Errorf("%d lost, and %d counted", len(o.lost), o.counted)
				}
			})
			if !ok {
				t.Errorf("FOREBAY_SEED=%d, damage %d, closed %v", seed, n, closed)
			}
		}
	}
}
