package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"go.uber.org/goleak"

	"github.com/forebayhq/forebay/schema"
)

var discard = slog.New(slog.DiscardHandler)

// A journaling is a journal on a file system that can be crashed, and its clock.
type journaling struct {
	*Journal
	config Config
	clock  *time.Time
}

func start(t *testing.T, change func(*Config)) *journaling {
	t.Helper()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	j := &journaling{clock: &now}
	j.config = Config{
		Dir: t.TempDir(), Now: func() time.Time { return *j.clock },
		Log: discard,
	}
	if change != nil {
		change(&j.config)
	}
	j.open(t)
	t.Cleanup(func() { _ = j.Close() })
	return j
}

func (j *journaling) open(t *testing.T) {
	t.Helper()
	opened, err := Open(j.config)
	if err != nil {
		t.Fatal(err)
	}
	j.Journal = opened
	j.Remember(96 * time.Hour)
}

func (j *journaling) reopen(t *testing.T) {
	t.Helper()
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j.open(t)
}

func message(id string) schema.Message {
	return schema.Message{
		ID: "ssofy/" + id, Source: "ssofy", Action: "user.created", Subject: "identity.ssofy.user.created",
		Header: schema.Header("Nats-Msg-Id: ssofy/" + id + "\r\nce-id: " + id + "\r\n"),
		Body:   []byte(`{"id":"` + id + `"}`),
	}
}

func entry(l Lane, id string) Entry {
	return Entry{Lane: l, Horizon: 96 * time.Hour, Message: message(id)}
}

func (j *journaling) mustAppend(t *testing.T, entries ...Entry) int {
	t.Helper()
	duplicates, err := j.Append(t.Context(), entries)
	if err != nil {
		t.Fatal(err)
	}
	return duplicates
}

func (j *journaling) ids(t *testing.T, l Lane, from uint64) []string {
	t.Helper()
	var ids []string
	for {
		records, err := j.Read(l, from, 1000, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) == 0 {
			return ids
		}
		for _, r := range records {
			if r.Seq != from {
				t.Fatalf("record %d where %d was expected", r.Seq, from)
			}
			ids = append(ids, r.Message.Header.Get("ce-id"))
			from++
		}
	}
}

func TestRecordsComeBackAsTheyWentIn(t *testing.T) {
	j := start(t, nil)
	j.mustAppend(t, entry(Normal, "a"), entry(Urgent, "b"), entry(Normal, "c"))
	for _, where := range []string{"memory", "disk"} {
		records, err := j.Read(Normal, 1, 10, nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []schema.Message
		for _, r := range records {
			got = append(got, r.Message)
		}
		if want := []schema.Message{message("a"), message("c")}; !reflect.DeepEqual(got, want) {
			t.Errorf("from %s: got %+v, want %+v", where, got, want)
		}
		if !records[0].Accepted.Equal(*j.clock) {
			t.Errorf("from %s: accepted %s, want %s", where, records[0].Accepted, *j.clock)
		}
		if got := j.ids(t, Urgent, 1); !reflect.DeepEqual(got, []string{"b"}) {
			t.Errorf("from %s: urgent %v", where, got)
		}
		j.reopen(t) // nothing is in memory after it
	}
}

func TestDuplicates(t *testing.T) {
	j := start(t, nil)
	if n := j.mustAppend(t, entry(Normal, "a"), entry(Normal, "a"), entry(Normal, "b")); n != 1 {
		t.Errorf("inside a delivery: %d duplicates, want 1", n)
	}
	*j.clock = j.clock.Add(time.Hour)
	j.reopen(t)
	if n := j.mustAppend(t, entry(Normal, "a"), entry(Urgent, "b"), entry(Normal, "c")); n != 2 {
		t.Errorf("an hour and a restart later: %d duplicates, want 2", n)
	}
	if got, want := j.ids(t, Normal, 1), []string{"a", "b", "c"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestHorizon(t *testing.T) {
	j := start(t, nil)
	short := entry(Normal, "short")
	short.Horizon = time.Hour
	j.mustAppend(t, short, entry(Normal, "long"))
	for _, step := range []struct {
		after       time.Duration
		short, long int // duplicates
	}{
		{59 * time.Minute, 1, 1},
		{2 * time.Minute, 0, 1}, // 1:01
		{94 * time.Hour, 0, 1},  // 95:01
		{time.Hour, 0, 0},       // 96:01
	} {
		*j.clock = j.clock.Add(step.after)
		if err := j.expire(); err != nil {
			t.Fatal(err)
		}
		if n := j.mustAppend(t, short); n != step.short {
			t.Errorf("after another %s: short horizon: %d duplicates, want %d", step.after, n, step.short)
		}
		if n := j.mustAppend(t, entry(Normal, "long")); n != step.long {
			t.Errorf("after another %s: long horizon: %d duplicates, want %d", step.after, n, step.long)
		}
	}
}

func TestExpiryForgetsWholeBuckets(t *testing.T) {
	j := start(t, nil)
	j.mustAppend(t, entry(Normal, "old"))
	bucket := bucketOf(*j.clock)
	*j.clock = j.clock.Add(3 * bucketWidth)
	if err := j.expire(); err != nil {
		t.Fatal(err)
	}
	if _, _, ok, err := j.Find("ssofy/old"); !ok || err != nil {
		t.Errorf("the ID of a record that is still there is forgotten: %v %v", ok, err)
	}
	if err := j.Trim(map[Lane]uint64{Normal: 1}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	if err := j.expire(); err != nil {
		t.Fatal(err)
	}
	ids := j.index()
	defer ids.close()
	if _, _, ok, err := ids.lookUp(bucket, hashOf("ssofy/old")); ok || err != nil {
		t.Errorf("the old bucket is still there: %v %v", ok, err)
	}
}

func TestHorizonThatGrows(t *testing.T) {
	j := start(t, nil)
	e := entry(Normal, "a")
	e.Horizon = 720 * time.Hour
	j.Remember(e.Horizon)
	j.mustAppend(t, e)
	if err := j.Trim(map[Lane]uint64{Normal: 1}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	*j.clock = j.clock.Add(12 * 24 * time.Hour)
	if err := j.expire(); err != nil {
		t.Fatal(err)
	}
	if n := j.mustAppend(t, e); n != 1 {
		t.Errorf("%d duplicates, want 1", n)
	}
}

func TestClockSetBack(t *testing.T) {
	j := start(t, nil)
	*j.clock = time.UnixMilli((int64(bucketOf(*j.clock)) + 1) * bucketWidth.Milliseconds()) // just into a bucket
	j.mustAppend(t, entry(Normal, "a"))
	*j.clock = j.clock.Add(-time.Minute)
	j.reopen(t)
	if n := j.mustAppend(t, entry(Normal, "a")); n != 1 {
		t.Errorf("%d duplicates, want 1", n)
	}
}

func TestReadGoesOnFromDiskToMemory(t *testing.T) {
	j := start(t, nil)
	var want []string
	for i := range tailRecords * 2 / 100 {
		var entries []Entry
		for k := range 100 {
			id := fmt.Sprint(i*100 + k)
			entries, want = append(entries, entry(Normal, id)), append(want, id)
		}
		j.mustAppend(t, entries...)
	}
	if n := len(j.lanes[Normal].tail); n > tailRecords {
		t.Errorf("%d records in memory, the bound is %d", n, tailRecords)
	}
	if got := j.ids(t, Normal, 1); !reflect.DeepEqual(got, want) {
		t.Errorf("got %d records, want %d in order", len(got), len(want))
	}
}

func TestTrim(t *testing.T) {
	j := start(t, nil)
	j.mustAppend(t, entry(Normal, "a"), entry(Normal, "b"), entry(Normal, "c"), entry(Urgent, "u"))
	all := j.Bytes(Normal)
	if err := j.Trim(map[Lane]uint64{Normal: 2, Urgent: 1}, "IDENTITY", []byte("mark")); err != nil {
		t.Fatal(err)
	}
	for _, when := range []string{"at once", "after a restart"} {
		if first, last := j.Bounds(Normal); first != 3 || last != 3 {
			t.Errorf("%s: bounds %d to %d, want 3 to 3", when, first, last)
		}
		if first, last := j.Bounds(Urgent); first != 2 || last != 1 {
			t.Errorf("%s: bounds of the empty lane %d to %d, want 2 to 1", when, first, last)
		}
		if got := j.Bytes(Normal); got != all/3 {
			t.Errorf("%s: %d bytes, want a third of %d", when, got, all)
		}
		if got := j.bytes.Load(); got != all/3 {
			t.Errorf("%s: %d bytes in all, want a third of %d", when, got, all)
		}
		if mark, err := j.Mark("IDENTITY"); string(mark) != "mark" || err != nil {
			t.Errorf("%s: mark %q, %v", when, mark, err)
		}
		j.reopen(t)
	}
	j.mustAppend(t, entry(Urgent, "v"))
	if got := j.ids(t, Urgent, 2); !reflect.DeepEqual(got, []string{"v"}) {
		t.Errorf("numbering does not go on: %v", got)
	}
}

func TestMaxBytes(t *testing.T) {
	j := start(t, func(c *Config) { c.MaxBytes = 100 })
	j.mustAppend(t, entry(Normal, "a"), entry(Normal, "b"))
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "c")}); !errors.Is(err, ErrFull) {
		t.Errorf("got %v, want %v", err, ErrFull)
	}
	if err := j.Trim(map[Lane]uint64{Normal: 2}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	j.mustAppend(t, entry(Normal, "c"))
}

func TestSetAside(t *testing.T) {
	j := start(t, nil)
	j.mustAppend(t, entry(Normal, "a"), entry(Normal, "b"))
	if err := j.SetAside(Normal, 1); err != nil {
		t.Fatal(err)
	}
	if err := j.Trim(map[Lane]uint64{Normal: 2}, "IDENTITY", nil); err != nil {
		t.Fatal(err)
	}
	j.reopen(t)
	if got := j.ids(t, Normal, 3); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("after a restart: %v, want the one that was set aside", got)
	}
	if l, seq, ok, err := j.Find("ssofy/a"); l != Normal || seq != 3 || !ok || err != nil {
		t.Errorf("found at %s %d %v %v", l, seq, ok, err)
	}
	j.reopen(t)
	if _, last := j.Bounds(Normal); last != 3 {
		t.Errorf("taken back twice: last is %d", last)
	}
}

// What Append said is stored survives a crash that loses everything that was not flushed, and duplicates are still known.
func TestCrashLosesNothingAcknowledged(t *testing.T) {
	disk := vfs.NewCrashableMem()
	j := start(t, func(c *Config) { c.FS, c.Dir = disk, "journal" })
	var mu sync.Mutex
	stored := map[string]bool{}
	var crashed *vfs.MemFS
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for i := range 50 {
				id := fmt.Sprintf("%d-%d", w, i)
				if _, err := j.Append(context.Background(), []Entry{entry(Normal, id)}); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if crashed == nil {
					stored[id] = true
				}
				if len(stored) == 400 && crashed == nil {
					crashed = disk.CrashClone(vfs.CrashCloneCfg{})
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	after := start(t, func(c *Config) { c.FS, c.Dir = crashed, "journal" })
	found := map[string]int{}
	for _, id := range after.ids(t, Normal, 1) {
		found[id]++
	}
	for id := range stored {
		if found[id] != 1 {
			t.Errorf("%s is there %d times", id, found[id])
		}
		if n := after.mustAppend(t, entry(Normal, id)); n != 1 {
			t.Errorf("%s is stored again", id)
		}
	}
}

func TestClosedJournalRefuses(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	j := start(t, nil)
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := j.Append(t.Context(), []Entry{entry(Normal, "a")}); !errors.Is(err, ErrClosed) {
		t.Errorf("got %v, want %v", err, ErrClosed)
	}
}

// Whoever comes too late gets an error, and does not meet a closed database.
func TestClosedJournalIsNotUsed(t *testing.T) {
	for range 20 { // each finds the database open and the journal closed
		j := start(t, nil)
		j.mustAppend(t, entry(Normal, "a"))
		j.reopen(t)
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
		_, readErr := j.Read(Normal, 1, 1, nil)
		_, markErr := j.Mark("IDENTITY")
		_, _, _, findErr := j.Find("ssofy/a")
		for what, err := range map[string]error{
			"read": readErr, "mark": markErr, "find": findErr,
			"set mark": j.SetMark("IDENTITY", nil, true), "set aside": j.SetAside(Normal, 1),
			"trim": j.Trim(map[Lane]uint64{Normal: 1}, "IDENTITY", nil),
		} {
			if !errors.Is(err, ErrClosed) {
				t.Errorf("%s: got %v, want %v", what, err, ErrClosed)
			}
		}
	}
}

// The names of the publisher's marks are its own.
func TestMarkNamedLikeOneOfOurs(t *testing.T) {
	j := start(t, nil)
	j.mustAppend(t, entry(Normal, "a"))
	if err := j.SetMark("expired", []byte("mine"), true); err != nil {
		t.Fatal(err)
	}
	if err := j.expire(); err != nil {
		t.Fatal(err)
	}
	if got, err := j.Mark("expired"); string(got) != "mine" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
}

// The folders above the journal are flushed too, if it made them.
func TestCrashLosesNoFolder(t *testing.T) {
	disk := vfs.NewCrashableMem()
	j := start(t, func(c *Config) { c.FS, c.Dir = disk, "srv/forebay/data/journal" })
	j.mustAppend(t, entry(Normal, "a"))
	crashed := disk.CrashClone(vfs.CrashCloneCfg{})
	after := start(t, func(c *Config) { c.FS, c.Dir = crashed, "srv/forebay/data/journal" })
	if got := after.ids(t, Normal, 1); !reflect.DeepEqual(got, []string{"a"}) {
		t.Errorf("got %v", got)
	}
}
