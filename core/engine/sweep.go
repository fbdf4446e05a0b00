package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
)

// A Sweeper reclaims bindings that have ended, a few at a time, while the workers go on.
// It belongs to one goroutine and has its own handle and marks.
type Sweeper struct {
	handle *binding.Handle
	marks  *Marks
}

// NewSweeper makes a sweeper over a table.
func NewSweeper(handle *binding.Handle, marks *Marks) *Sweeper {
	return &Sweeper{handle: handle, marks: marks}
}

// Sweep looks at up to budget records and reclaims those that ended at least grace seconds ago, which leaves
// a client that comes late its old lease. The removals are appended to changes as the journal takes them;
// it returns them and their number.
func (s *Sweeper) Sweep(site *Site, now binding.Time, grace uint32, budget int, changes []byte) ([]byte, int) {
	count := 0
	s.handle.Enter()
	defer s.handle.Leave()
	s.handle.Sweep(now, budget, func(r *binding.Record) bool {
		return r.Expires().Add(grace) <= now && s.marks.Durable(r.Mark()) && !site.endedUnheard(r, now)
	}, func(r *binding.Record) {
		key := r.Key()
		changes = AppendReclaimed(changes, site.Policy.History, r)
		count++
		site.Put(&key, r.Kind())
		site.recount(s.handle, sweeperRow, r, nil)
		countPorts(site.View, r, -1)
	})
	return changes, count
}

// endedUnheard tells whether a binding that has ended may have been extended by a peer without being heard.
func (s *Site) endedUnheard(r *binding.Record, now binding.Time) bool {
	if s.Policy.Single {
		return false
	}
	key := r.Key()
	link := -1
	if pool := s.Policy.PoolOf(r.Kind(), &key.Address, key.Length); pool != nil {
		link = pool.Link
	}
	return s.View.Gate.ExpiredUnheard(link, r.Expires(), now)
}
