package main

// leastOvertaken is how much of a backlog of normal events, in percent, must come after the urgent events that were sent
// behind all of it.
const leastOvertaken = 50

// overtaken looks at the stream, which was read, for the urgent events that were first sent after a mark: how much of the
// normal backlog before the mark stands behind the last of them.
func (t *trial) overtaken(backlog mark, sum *tally) {
	t.ledger.mu.Lock()
	defer t.ledger.mu.Unlock()
	last, urgent := 0, 0
	for _, e := range t.ledger.events {
		if e.urgent && e.seen > 0 && e.first > int64(backlog) {
			last, urgent = max(last, e.place), urgent+1
		}
	}
	normal, behind := 0, 0
	for _, e := range t.ledger.events {
		if !e.urgent && e.seen > 0 && e.first <= int64(backlog) {
			normal++
			if e.place > last {
				behind++
			}
		}
	}
	if urgent == 0 || normal == 0 {
		sum.violate("no urgent events, or no backlog, in the stream")
		return
	}
	sum.Overtaken = 100 * behind / normal
	if sum.Overtaken < leastOvertaken {
		sum.violate("%d urgent events sent after a backlog came when %d%% of it was left, want %d%%", urgent, sum.Overtaken, leastOvertaken)
	}
}
