package binding

// Counting records. Somebody outside of the table counts its records by what they say, over and over from the beginning:
// each time what they are counted by has changed (a new configuration). So that none is missed and none counts twice while
// workers go on, each record tells in which count it is, and one compare-and-swap brings it in or takes it out:
//
//	who counts:     Announce, then walk; each record that Join brings in is counted
//	who publishes:  Publish, then ask Counting. The new record is in the count that the draft named; where another one has
//	                begun it Joins that, and the replaced one Leaves
//
// Whoever loses the swap about a record leaves the counting to the other one. A publisher that finds nothing new announced
// published before the walk began, which therefore meets the new record and can't meet the old one; nor can the old one's own
// publisher, if it hasn't got to ask Counting yet, bring that in any more: it was replaced before, and Join sees to that. So
// in the steady state no record is written to.

// Census is the number of a count, 1 to MaxCensus; 0: the record is in none. It lives in memory only.
type Census uint8

// MaxCensus is the highest number of a count. The one after it is 1 again: of two counts that are under way the numbers differ.
const MaxCensus Census = 14

const (
	left        = MaxCensus + 1 // the record was replaced
	censusShift = 60
	versionMask = 1<<(censusShift-8) - 1
)

// A Counting is an announced count.
type Counting struct {
	Number Census
	Owner  any // the caller's own
}

// Next is the number of the count after this one. The receiver may be nil: there was none.
func (c *Counting) Next() Census {
	if c == nil {
		return 2 // 1 is that of records that are counted as they are loaded
	}
	return c.Number%MaxCensus + 1
}

// Counting returns the count that was announced last; nil: none was.
func (h *Handle) Counting() *Counting { return h.table.counting.Load() }

// Announce begins a count. What is published from now on is counted by who publishes it.
func (h *Handle) Announce(c *Counting) { h.table.counting.Store(c) }

// Census tells in which count the record is.
func (r *Record) Census() Census { return Census(r.stamp.Load() >> censusShift) }

// Join brings the record into a count. False: it is in it, or it was replaced.
func (r *Record) Join(number Census) bool {
	for r.next.Load()&markBit == 0 {
		stamp := r.stamp.Load()
		if in := Census(stamp >> censusShift); in == number || in == left {
			return false
		}
		if r.stamp.CompareAndSwap(stamp, stamp&(1<<censusShift-1)|uint64(number)<<censusShift) {
			return true
		}
	}
	return false
}

// Leave takes a replaced record out of its count for good, and tells which one that was.
func (r *Record) Leave() Census {
	for {
		stamp := r.stamp.Load()
		if r.stamp.CompareAndSwap(stamp, stamp|uint64(left)<<censusShift) {
			return Census(stamp >> censusShift)
		}
	}
}
