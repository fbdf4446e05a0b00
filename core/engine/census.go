package engine

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
)

// How many bindings a pool has, and an owner. A binding counts while it is bound or superseded, expired or not: until it is
// reclaimed its client may get it back. Each writer counts what it changes in a row of its own, and who asks adds the rows up.
// A site counts on where workers still finish a batch of the site before it (see binding.Census), so its counts are exact
// as soon as NewSite returns.

// Rows beside those of the writers of marks.
const (
	sweeperRow = MaxWriters + iota
	meetRow    // the first of meetRows, among which the records that are met are spread
	rows       = meetRow + meetRows
	meetRows   = 4
)

// A census is a site's counts. Sites that share their maps share it too.
type census struct {
	counting *binding.Counting
	rows     [rows]atomic.Pointer[row]
	clients  *peer.Ports // see clientOf; nil: nothing is counted by client
}

// A row is one writer's counts: what it added, less what it took away.
type row struct {
	_          [64]byte // rows don't share a cache line
	owners     [256]atomic.Int64
	registered atomic.Int64
	pools      []poolRow // by pool ID, and room behind the last one
	_          [64]byte
}

type poolRow struct{ own, observed atomic.Int64 }

// row is the writer's, made when it is first needed.
func (s *Site) row(writer int) *row {
	if r := s.rows[writer].Load(); r != nil {
		return r
	}
	const apart = 8 // of 16 octets: what is allocated behind the slice isn't in its last cache line
	s.rows[writer].CompareAndSwap(nil, &row{pools: make([]poolRow, len(s.Policy.Pools)+apart)})
	return s.rows[writer].Load()
}

// Publish is Handle.Publish for who changes bindings while the site is in force: it counts, too. Writer is the caller's
// number as a writer of marks.
func (s *Site) Publish(h *binding.Handle, writer int, old *binding.Record, draft *binding.Draft) (*binding.Record, binding.Outcome) {
	draft.Census = s.counting.Number
	r, outcome := h.Publish(old, draft)
	if outcome == binding.Published {
		s.recount(h, writer, old, r)
	}
	return r, outcome
}

// recount counts that a record came in another's place. Either may be nil. It must follow the table's change: a
// count that isn't announced then begins behind it.
func (s *Site) recount(h *binding.Handle, writer int, old, fresh *binding.Record) {
	t := s
	if c := h.Counting(); c != nil && c != s.counting {
		t = c.Owner.(*Site)
	}
	number := t.counting.Number
	gone := old != nil && (t == s && old.Census() == number || old.Leave() == number)
	come := fresh != nil && (t == s || fresh.Join(number))
	if gone && come && stands(old) == stands(fresh) && old.Owner() == fresh.Owner() && old.Kind() == fresh.Kind() &&
		(t.clients == nil || old.State() == fresh.State() && sameClient(old, fresh)) {
		return // a renewal
	}
	if gone {
		t.tally(writer, old, -1)
	}
	if come {
		t.tally(writer, fresh, 1)
	}
}

// tally adds a record to a row, or takes it out. Only the rows of met records have several writers.
func (s *Site) tally(writer int, r *binding.Record, n int64) {
	to := s.row(writer)
	if r.Registered() {
		to.registered.Add(n) // ended ones too: they take room until they are reclaimed
	}
	if !stands(r) {
		return
	}
	to.owners[r.Owner()].Add(n)
	key := r.Key()
	pool := s.Policy.PoolOf(r.Kind(), &key.Address, key.Length)
	if pool == nil {
		return
	}
	s.countClient(r, pool, n)
	switch {
	case Observed(r):
		to.pools[pool.ID].observed.Add(n)
	default:
		to.pools[pool.ID].own.Add(n)
	}
}

// count counts a record that is met.
func (s *Site) count(r *binding.Record, key *binding.Key) {
	if r.Join(s.counting.Number) {
		s.tally(meetRow+int(key.Address[7]^key.Address[15])%meetRows, r, 1)
	}
}

// stands tells whether a record is a binding that counts.
func stands(r *binding.Record) bool {
	return r.State() == binding.Bound || r.State() == binding.Superseded
}

// A Count is how many bindings a pool has.
type Count struct {
	Pool          *policy.Pool
	Own, Observed uint64 // that this node granted; that it knows of peers
}

// Counts returns the counts of all pools, by ID. While workers bind they are those of about now.
func (s *Site) Counts() []Count {
	out := make([]Count, len(s.Policy.Pools))
	for id, pool := range s.Policy.Pools {
		var own, observed int64
		for i := range s.rows {
			if r := s.rows[i].Load(); r != nil {
				own += r.pools[id].own.Load()
				observed += r.pools[id].observed.Load()
			}
		}
		out[id] = Count{pool, uint64(max(0, own)), uint64(max(0, observed))}
	}
	return out
}

// Registered returns how many registered addresses have a record, in pools or not, ended or not.
func (s *Site) Registered() uint64 {
	sum := int64(0)
	for i := range s.rows {
		if r := s.rows[i].Load(); r != nil {
			sum += r.registered.Load()
		}
	}
	return uint64(max(0, sum))
}

// Owned returns how many bindings there are by the number of their owner, in pools or not.
func (s *Site) Owned() (counts [256]uint64) {
	for owner := range counts {
		sum := int64(0)
		for i := range s.rows {
			if r := s.rows[i].Load(); r != nil {
				sum += r.owners[owner].Load()
			}
		}
		counts[owner] = uint64(max(0, sum))
	}
	return counts
}
