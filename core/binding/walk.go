package binding

// A walk visits the current records of a range of buckets. It sees every lease that has a record during the
// whole walk; of one that comes, goes or changes meanwhile it sees any one version or none.
type walk struct {
	table  *Table
	bucket int // the next bucket
	end    int
	word   uint64 // the link to go on at
	sink   uint8  // see touch
}

// touchBuckets is of how many buckets a walk asks for the records at once.
const touchBuckets = 16

// touch brings the records of the next buckets, as many of each as there are on average, into the processor's cache. A walk
// meets records in the order of their hash, so each is a miss; one after the other they cost a walk through ten million
// 5 s, sixteen under way together a third of that. A record may lie across two lines, so both ends are read; what it
// says doesn't matter here, and slot 0 is there, and nobody's.
func (w *walk) touch() {
	s := &w.table.records
	var slots [touchBuckets]uint32
	heads := s.heads[w.bucket:min(w.bucket+touchBuckets, w.end)]
	for i := range heads {
		slots[i] = uint32(heads[i].Load())
	}
	for range leasesPerBucket {
		for i, slot := range slots[:len(heads)] {
			n := s.node(slot)
			slots[i] = uint32(n.next.Load())
			w.sink += recordOf(n).duid[inlineDUID-1]
		}
	}
}

// next returns the next record, nil at the end.
func (w *walk) next() *Record {
	for {
		for uint32(w.word) != 0 {
			n := w.table.records.node(uint32(w.word))
			// The link is read before the caller sees the record: if he replaces it, the new version isn't visited too.
			next := n.next.Load()
			w.word = next &^ markBit
			if next&markBit == 0 {
				w.table.settle(n, (w.bucket-1)/bucketsPerShard)
				return recordOf(n)
			}
		}
		if w.bucket == w.end {
			return nil
		}
		if w.bucket%touchBuckets == 0 {
			w.touch()
		}
		w.word = w.table.records.heads[w.bucket].Load()
		w.bucket++
	}
}

// Shards returns into how many parts Range divides the table.
func (t *Table) Shards() int { return len(t.floors) }

// Range calls f with the current records of one shard, some thousand at most, in no order, until f returns false.
// f may publish and remove. A listing goes through all shards in turn, with a batch of its own for each. Range
// returns false if f did.
func (h *Handle) Range(shard int, f func(r *Record) bool) bool {
	h.inside()
	first := shard * bucketsPerShard
	w := walk{table: h.table, bucket: first, end: min(first+bucketsPerShard, len(h.table.records.heads))}
	for r := w.next(); r != nil; r = w.next() {
		if !f(r) {
			return false
		}
	}
	return true
}

// sweepBuckets is how many buckets one step of a sweep takes; they count as sweepCost records.
const (
	sweepBuckets = minBuckets
	sweepCost    = sweepBuckets / 8 // eight buckets are a cache line, as much as touching a record
)

// Sweep walks on through the table, from where the last Sweep of any handle ended, until it has seen about budget
// records. It asks reclaim for each lease that isn't taken at now (see Record.Taken), and removes those that
// it answers true for. When a removal stands, it calls reclaimed with the removed record, of which
// RemovalVersion is to be stored; somebody may hold the lease again by then, with a higher version.
// reclaim may publish instead, and return false.
//
// It returns how many times the whole table has been swept. Call it in short batches, from as many goroutines
// as is useful: expiry and reclaim stop nobody.
func (h *Handle) Sweep(now Time, budget int, reclaim func(r *Record) bool, reclaimed func(r *Record)) (laps uint64) {
	h.inside()
	t := h.table
	size := min(sweepBuckets, len(t.records.heads))
	steps := uint64(len(t.records.heads) / size)
	for budget > 0 {
		step := t.swept.Add(1) - 1
		first := int(step%steps) * size
		w := walk{table: t, bucket: first, end: first + size}
		for r := w.next(); r != nil; r = w.next() {
			budget--
			if !r.Taken(now) && reclaim(r) && h.Remove(r) == Published {
				reclaimed(r)
			}
		}
		budget -= sweepCost
	}
	return t.swept.Load() / steps
}
