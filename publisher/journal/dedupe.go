package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"
)

// The dedupe index holds a hash of every accepted ID, in buckets of time, so that a look-up costs one or two point reads
// and whole buckets expire by one range deletion.

// bucketWidth is the default horizon: a look-up inside it touches two buckets.
const bucketWidth = 96 * time.Hour

// A hash stands for an ID. It is cut from SHA-256, so that nobody can make two IDs collide.
type hash [16]byte

func hashOf(id string) hash {
	sum := sha256.Sum256([]byte(id))
	return hash(sum[:16])
}

// A position is where the record of an ID is, or was.
type position struct {
	Lane Lane
	Seq  uint64
}

func bucketOf(t time.Time) uint32 { return uint32(max(0, t.UnixMilli()) / bucketWidth.Milliseconds()) }

// idKeyLen is the letter of the table, the bucket and the hash.
const idKeyLen = 1 + 4 + 16

func idKey(bucket uint32, h hash) []byte {
	k := make([]byte, 0, idKeyLen)
	k = append(k, tableID)
	k = binary.BigEndian.AppendUint32(k, bucket)
	return append(k, h[:]...)
}

func setID(b *pebble.Batch, h hash, now time.Time, l Lane, seq uint64) error {
	op := b.SetDeferred(idKeyLen, 17)
	op.Key[0] = tableID
	binary.BigEndian.PutUint32(op.Key[1:], bucketOf(now))
	copy(op.Key[5:], h[:])
	binary.BigEndian.PutUint64(op.Value, uint64(now.UnixMilli()))
	op.Value[8] = byte(l)
	binary.BigEndian.PutUint64(op.Value[9:], seq)
	return op.Finish()
}

// An index looks IDs up as they are when it is first asked. Its iterator serves all that share a commit.
type index struct {
	db  *pebble.DB
	it  *pebble.Iterator
	key []byte
}

func (j *Journal) index() *index { return &index{db: j.db} }

func (x *index) open() (err error) {
	if x.it != nil {
		return nil
	}
	x.key = idKey(0, hash{})
	x.it, err = x.db.NewIter(&pebble.IterOptions{
		LowerBound: []byte{tableID}, UpperBound: []byte{tableID + 1},
	})
	if err != nil {
		return fmt.Errorf("read dedupe index: %w", err)
	}
	return nil
}

func (x *index) close() {
	if x.it != nil {
		_ = x.it.Close() // what went wrong was said by what read
	}
}

// seen reports whether an ID was accepted inside the horizon.
func (x *index) seen(h hash, now time.Time, horizon time.Duration) (bool, error) {
	since := now.Add(-horizon)
	for bucket := bucketOf(now); ; bucket-- {
		accepted, _, ok, err := x.lookUp(bucket, h)
		if err != nil {
			return false, err
		}
		if ok {
			return accepted.After(since), nil
		}
		if bucket == 0 || bucket <= bucketOf(since) {
			return false, nil
		}
	}
}

func (x *index) lookUp(bucket uint32, h hash) (accepted time.Time, at position, ok bool, err error) {
	if err := x.open(); err != nil {
		return accepted, at, false, err
	}
	binary.BigEndian.PutUint32(x.key[1:], bucket)
	copy(x.key[5:], h[:])
	if !x.it.SeekPrefixGE(x.key) {
		if err := x.it.Error(); err != nil {
			return accepted, at, false, fmt.Errorf("read dedupe index: %w", err)
		}
		return accepted, at, false, nil
	}
	value := x.it.Value()
	if len(value) != 17 {
		return accepted, at, false, fmt.Errorf("dedupe index: %w", errDamaged)
	}
	accepted = time.UnixMilli(int64(binary.BigEndian.Uint64(value)))
	return accepted, position{Lane(value[8]), binary.BigEndian.Uint64(value[9:])}, true, nil
}

// Find gives the lane and sequence under which an ID was accepted, as far back as the index goes. Its record may be trimmed.
func (j *Journal) Find(id string) (l Lane, seq uint64, ok bool, err error) {
	if err := j.wait(); err != nil {
		return 0, 0, false, err
	}
	x := j.index()
	defer x.close()
	if err := x.open(); err != nil {
		return 0, 0, false, err
	}
	if !x.it.First() {
		return 0, 0, false, x.it.Error()
	}
	oldest := binary.BigEndian.Uint32(x.it.Key()[1:])
	h, now := hashOf(id), j.clock.now()
	for bucket := bucketOf(now); ; bucket-- {
		_, at, ok, err := x.lookUp(bucket, h)
		if err != nil || ok {
			return at.Lane, at.Seq, ok, err
		}
		if bucket == 0 || bucket <= oldest {
			return 0, 0, false, nil
		}
	}
}

// expiredKey is where expire keeps the oldest bucket that it left.
func expiredKey() []byte { return []byte{tableMark, 'e'} }

// expire forgets the IDs beyond the longest horizon, a bucket at a time.
func (j *Journal) expire() error {
	oldest := bucketOf(j.clock.advance(j.config.Now()).Add(-time.Duration(j.horizon.Load())))
	for _, l := range Lanes() { // what may still be published has to be found in the stream
		first, _ := j.Bounds(l)
		records, err := j.Read(l, first, 1, nil)
		if err != nil {
			return err
		}
		for _, r := range records {
			oldest = min(oldest, bucketOf(r.Accepted))
		}
	}
	b := j.db.NewBatch()
	err := errors.Join(
		b.DeleteRange(idKey(0, hash{}), idKey(oldest, hash{}), nil),
		b.Set(expiredKey(), binary.BigEndian.AppendUint32(nil, oldest), nil),
		b.Commit(pebble.NoSync), b.Close())
	if err != nil {
		return fmt.Errorf("expire dedupe index: %w", err)
	}
	if j.filter.added > filterRoom {
		return j.renewFilter()
	}
	return nil
}
