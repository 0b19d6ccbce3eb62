package publisher

// bits is a set of sequences from a base on: a bit each, so that a guard window of millions fits.
type bits struct {
	base  uint64
	words []uint64
}

func (b *bits) reset(base uint64) { b.base, b.words = base, nil }

func (b *bits) add(seq uint64) {
	if seq < b.base {
		return
	}
	word := int((seq - b.base) / 64)
	for len(b.words) <= word {
		b.words = append(b.words, 0)
	}
	b.words[word] |= 1 << ((seq - b.base) % 64)
}

func (b *bits) has(seq uint64) bool {
	if seq < b.base {
		return false
	}
	word := int((seq - b.base) / 64)
	return word < len(b.words) && b.words[word]&(1<<((seq-b.base)%64)) != 0
}
