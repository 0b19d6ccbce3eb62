package journal

import (
	"encoding/binary"
	"hash/crc32"

	"github.com/cockroachdb/pebble/v2/sstable"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/sstable/colblk"
)

// The index of a table stands at its end. A table that lost it is still a row of blocks, the data first, each with a
// checksum behind it that tells where it ends. See "Block" in Pebble's sstable/block.

// readBlocks reads them from the beginning up to the first that is not whole.
func (s *salvage) readBlocks(name string) error {
	data, err := s.journal.readFile(name)
	if err != nil {
		return unreadable{err}
	}
	o := options(s.journal.disk)
	o.EnsureDefaults()
	schema := o.KeySchemas[o.KeySchema]
	var it colblk.DataBlockIter
	it.InitOnce(schema, o.Comparer, nil)
	for {
		length, ok := blockLength(data)
		if !ok || !isDataBlock(schema, data[:length]) {
			return nil
		}
		var d colblk.DataBlockDecoder
		d.Init(schema, append(make([]byte, 0, length), data[:length]...)) // it wants them aligned
		if err := it.Init(&d, sstable.NoTransforms); err != nil {
			return unreadable{err}
		}
		for kv := it.First(); kv != nil; kv = it.Next() {
			if err := s.takeKind(kv.Kind(), kv.K.UserKey, kv.InPlaceValue()); err != nil {
				return err
			}
		}
		data = data[length+block.TrailerLen:]
	}
}

// blockLength finds the end of the block with which data begins: a byte that says that it is not compressed, and then the
// checksum of all before.
func blockLength(data []byte) (n int, ok bool) {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := ^uint32(0)
	for i := 0; i+block.TrailerLen <= len(data); i++ {
		sum = table[byte(sum)^data[i]] ^ sum>>8
		if data[i] == 0 && masked(^sum) == binary.LittleEndian.Uint32(data[i+1:]) {
			return i, true
		}
	}
	return 0, false
}

// masked is what Pebble makes of a CRC before it stores it.
func masked(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// isDataBlock tells a block of data from those of the index, which follow, by the number of its columns: the key's, and
// five more.
func isDataBlock(schema *colblk.KeySchema, data []byte) bool {
	const own, others = 4, 5 // bytes of the head that are Pebble's own
	at := own + int(schema.HeaderSize)
	return len(data) > at+7 && int(colblk.DecodeHeader(data[at:]).Columns) == len(schema.ColumnTypes)+others
}
