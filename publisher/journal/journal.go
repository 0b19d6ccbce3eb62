// Package journal is the flushed log on local disk between accepting and publishing. It holds every accepted event until
// the stream has surely kept it, and the index of the IDs that were seen inside the dedupe horizon.
//
// It is a Pebble database. One goroutine commits: all deliveries that wait share one flush (group commit), records get
// their sequence in the order in which they were accepted, and a duplicate is seen even while its original is being
// flushed.
package journal

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/forebayhq/forebay/schema"
)

// A Lane is an order of its own: events of one lane are published in the order in which they were accepted.
type Lane uint8

// The lanes. Quarantine holds deliveries for the quarantine stream.
const (
	Urgent Lane = iota
	Normal
	Quarantine
	lanes = 3
)

// Lanes lists all of them.
func Lanes() []Lane { return []Lane{Urgent, Normal, Quarantine} }

// String is the lane's name in configuration, logs and metrics.
func (l Lane) String() string { return [...]string{"urgent", "normal", "quarantine"}[l] }

// An Entry is a message on its way into the journal.
type Entry struct {
	Lane    Lane
	Horizon time.Duration // how long a repetition of the message's ID is a duplicate
	Message schema.Message
	size    int
}

// Errors of Append that say why the journal takes nothing now. Nothing of the delivery was stored.
var (
	ErrFull     = errors.New("journal is at its max_bytes")
	ErrDiskFull = errors.New("disk is full")
	ErrFailed   = errors.New("journal failed")
	ErrClosed   = errors.New("journal is closed")
)

// Config says where the journal is and how large it may become.
type Config struct {
	Dir      string // made if missing, mode 0700
	MaxBytes int64  // of records not yet trimmed; 0: as the disk allows
	FS       vfs.FS // vfs.Default unless a test wants another
	Now      func() time.Time
	Log      *slog.Logger
}

// A Journal is open until Close.
type Journal struct {
	config      Config
	disk        *disk
	db          *pebble.DB
	lock        *pebble.Lock
	opened      chan struct{} // closed once db may be used
	requests    chan *request
	spare       sync.Pool // of *request
	lanes       [lanes]lane
	bytes       atomic.Int64
	lost        atomic.Uint64
	lostUnknown atomic.Bool
	horizon     atomic.Int64 // the longest of any Entry, in nanoseconds
	filter      *filter      // the committer's
	filling     sync.WaitGroup
	clock       clock
	closing     chan struct{}
	ended       chan struct{} // closed when nothing is committed any more
	close       func() error
}

// Open opens the journal in Dir, or makes it. On a full disk it returns at once, takes nothing, and goes on opening when
// there is space again; [Journal.Err] says so meanwhile.
func Open(c Config) (*Journal, error) {
	if c.FS == nil {
		c.FS = vfs.Default
	}
	j := &Journal{
		config:   c,
		disk:     newDisk(c.FS, c.Dir, c.Log),
		opened:   make(chan struct{}),
		requests: make(chan *request, 4096),
		filter:   newFilter(),
		closing:  make(chan struct{}),
		ended:    make(chan struct{}),
	}
	j.close = sync.OnceValue(j.shut)
	for l := range j.lanes {
		j.lanes[l].wake = make(chan struct{}, 1)
	}
	opened, full := make(chan error, 1), j.disk.full()
	go func() {
		defer close(j.ended)
		err := j.openOrSalvage()
		opened <- err
		if err != nil {
			j.disk.giveUp(err.Error())
			return
		}
		j.commitLoop()
	}()
	var err error
	select {
	case err = <-opened:
	case <-full: // it opens when there is space
	case <-j.disk.failed:
		select {
		case err = <-opened: // it gives up with that error, too
		default: // Pebble holds the goroutine that opens
			err = j.disk.err()
		}
	}
	if err != nil {
		return nil, fmt.Errorf("open journal %s: %w", c.Dir, err)
	}
	return j, nil
}

// open opens the journal as it is.
func (j *Journal) open() (err error) {
	if j.lock, err = pebble.LockDirectory(j.config.Dir, j.disk.fs); err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil { // Pebble's answer to some damages
			err = fmt.Errorf("%w: %v", errDamaged, p)
		}
		if err != nil && j.db != nil {
			err = errors.Join(err, j.db.Close())
		}
		if err != nil {
			err = errors.Join(err, j.lock.Close())
		}
	}()
	if err := j.checkForm(); err != nil {
		return err
	}
	tables, err := j.checkFiles()
	if err != nil {
		return err
	}
	o := options(j.disk)
	o.Lock = j.lock // held until the ending is written
	if j.db, err = pebble.Open(j.config.Dir, o); err != nil {
		return err
	}
	for l := range j.lanes {
		if err := j.restore(Lane(l)); err != nil {
			return err
		}
	}
	if err := errors.Join(j.restoreClock(), j.checkLeftOver(tables)); err != nil {
		return err
	}
	return errors.Join(j.markForm(), j.takeBack(), j.disk.foundDamage()) // now that all is there, it may be written to
}

// A request is one delivery that waits for its flush.
type request struct {
	entries []Entry
	now     time.Time
	result  chan result // one place: the committer never waits for a caller
}

type result struct {
	duplicates int
	err        error
}

// Append stores the entries of one delivery in one atomic commit and returns once it is flushed. Entries whose ID was
// seen inside their horizon are left out and counted; their originals are flushed too when Append returns. If ctx ends
// first, or the disk fills up, the entries may be stored all the same: a repetition is then a duplicate.
func (j *Journal) Append(ctx context.Context, entries []Entry) (duplicates int, err error) {
	full := j.disk.full()
	if err := j.Err(); err != nil {
		return 0, err
	}
	r := j.request(entries)
	select {
	case j.requests <- r:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-full:
		return 0, ErrDiskFull
	case <-j.disk.failed:
		return 0, j.disk.err()
	case <-j.closing:
		return 0, ErrClosed
	}
	select {
	case res := <-r.result:
		r.entries = nil
		j.spare.Put(r)
		return res.duplicates, res.err
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-full:
		return 0, ErrDiskFull
	case <-j.disk.failed:
		return 0, j.disk.err()
	case <-j.ended: // it may have been committed all the same: a repetition is then a duplicate
		return 0, ErrClosed
	}
}

func (j *Journal) request(entries []Entry) *request {
	r, ok := j.spare.Get().(*request)
	if !ok {
		r = &request{result: make(chan result, 1)}
	}
	r.entries, r.now = entries, j.config.Now()
	for i := range entries {
		entries[i].size = size(&entries[i].Message)
	}
	return r
}

// Remember sets for how long IDs are kept: as long as the longest horizon of any Entry.
func (j *Journal) Remember(longest time.Duration) { j.horizon.Store(int64(longest)) }

// Err says why the journal takes nothing now, or nil.
func (j *Journal) Err() error {
	select {
	case <-j.closing:
		return ErrClosed
	default:
	}
	if err := j.disk.err(); err != nil {
		return err
	}
	if limit := j.config.MaxBytes; limit > 0 && j.bytes.Load() >= limit {
		return fmt.Errorf("%w of %d", ErrFull, limit)
	}
	if !j.IsOpen() {
		return fmt.Errorf("%w: journal is not open yet", ErrDiskFull)
	}
	return nil
}

// Ready is Err, and looks at the space on the disk as well.
func (j *Journal) Ready() error {
	if err := j.Err(); err != nil {
		return err
	}
	return j.disk.reserve(0)
}

// Failed is closed when a flush failed: nothing can be promised any more before a restart.
func (j *Journal) Failed() <-chan struct{} { return j.disk.failed }

// Close flushes and closes. Appends under way are finished first.
func (j *Journal) Close() error { return j.close() }

func (j *Journal) shut() error {
	close(j.closing)
	close(j.disk.closing)
	if errors.Is(j.disk.err(), ErrFailed) {
		return nil // the database is not to be touched again
	}
	select {
	case <-j.ended:
	case <-j.disk.failed: // the goroutine that found out never ends
		return nil
	}
	if j.db == nil {
		return nil
	}
	j.filter.stop.Store(true)
	j.filling.Wait()
	closed := make(chan error, 1)
	go func() { closed <- j.db.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			return fmt.Errorf("close journal %s: %w", j.config.Dir, err)
		}
	case <-j.disk.failed: // Pebble waits for a goroutine that is held
		return nil
	}
	j.writeEnding()
	return j.lock.Close()
}
