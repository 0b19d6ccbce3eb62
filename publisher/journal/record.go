package journal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/forebayhq/forebay/schema"
)

// A Record is a message in the journal. Sequences of a lane start at 1 and have no gaps.
type Record struct {
	Lane     Lane
	Seq      uint64
	Accepted time.Time
	Message  schema.Message
	size     int
}

// Keys are a letter for the table, then big-endian numbers, so that byte order is their order.
//
//	r <lane> <seq>          a record
//	d <bucket> <hash>       an ID: when it was accepted, and where its record is
//	m <name>                what the publisher wants to remember, where lanes end, and the form of all this
//	a <lane> <seq>          a record that was set aside
const (
	tableRecord = 'r'
	tableID     = 'd'
	tableMark   = 'm'
	tableAside  = 'a'
)

func recordKey(l Lane, seq uint64) []byte {
	k := make([]byte, 0, 10)
	k = append(k, tableRecord, byte(l))
	return binary.BigEndian.AppendUint64(k, seq)
}

// A record's value is the bytes of its lane up to and including it (so that the size of any span is one subtraction), the
// time in Unix milliseconds, and then the message: every text with its length in front.
const recordHead = 16

func setRecord(b *pebble.Batch, r *Record, total int64) error {
	op := b.SetDeferred(10, recordHead+r.size)
	op.Key[0], op.Key[1] = tableRecord, byte(r.Lane)
	binary.BigEndian.PutUint64(op.Key[2:], r.Seq)
	v := binary.BigEndian.AppendUint64(op.Value[:0], uint64(total))
	v = binary.BigEndian.AppendUint64(v, uint64(r.Accepted.UnixMilli()))
	appendMessage(v, &r.Message)
	return op.Finish()
}

// size is the number of bytes that appendMessage makes.
func size(m *schema.Message) int {
	return sizeText(m.ID) + sizeText(m.Source) + sizeText(string(m.Action)) + sizeText(m.Subject) +
		sizeText(string(m.Header)) + len(m.Body)
}

func sizeText(s string) int { return sizeNumber(len(s)) + len(s) }

func sizeNumber(n int) int {
	size := 1
	for ; n >= 0x80; n >>= 7 {
		size++
	}
	return size
}

func appendMessage(b []byte, m *schema.Message) []byte {
	b = appendText(b, m.ID)
	b = appendText(b, m.Source)
	b = appendText(b, string(m.Action))
	b = appendText(b, m.Subject)
	b = appendText(b, string(m.Header))
	return append(b, m.Body...)
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

var errDamaged = errors.New("record is damaged")

// decodeRecord reads what setRecord wrote. It copies: Pebble's buffers end with the iterator.
func decodeRecord(key, value []byte) (r Record, total int64, err error) {
	if len(key) != 10 || key[1] >= lanes || len(value) < recordHead {
		return r, 0, fmt.Errorf("journal key %x: %w", key, errDamaged)
	}
	r.Lane, r.Seq = Lane(key[1]), binary.BigEndian.Uint64(key[2:])
	total = int64(binary.BigEndian.Uint64(value))
	r.Accepted = time.UnixMilli(int64(binary.BigEndian.Uint64(value[8:])))
	d := decoder{rest: string(value[recordHead:])}
	r.size = len(d.rest)
	r.Message = d.message()
	if d.bad {
		return r, 0, fmt.Errorf("journal lane %s sequence %d: %w", r.Lane, r.Seq, errDamaged)
	}
	return r, total, nil
}

// A decoder cuts texts off one string, so that a message costs one copy.
type decoder struct {
	rest string
	bad  bool
}

func (d *decoder) message() (m schema.Message) {
	m.ID, m.Source, m.Action, m.Subject = d.text(), d.text(), schema.Action(d.text()), d.text()
	m.Header = schema.Header(d.text())
	m.Body = []byte(d.rest)
	return m
}

func (d *decoder) number() int {
	var n uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		n |= uint64(d.rest[i]&0x7f) << (7 * i)
		if d.rest[i] < 0x80 {
			d.rest = d.rest[i+1:]
			if n > 1<<31 {
				d.bad = true
				return 0
			}
			return int(n)
		}
	}
	d.bad = true
	return 0
}

func (d *decoder) text() string {
	n := d.number()
	if d.bad || n > len(d.rest) {
		d.bad = true
		return ""
	}
	s := d.rest[:n]
	d.rest = d.rest[n:]
	return s
}
