package peer

import (
	"maps"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Settled says since when this node knows what its configuration says of some leases: that their pool is being retired, or for whom they are
// reserved. One valid lifetime after that no peer with the same file can have extended them against it, or granted them. It begins
// anew with the process.
type Settled struct {
	begun    atomic.Uint32                                // the first tick; 0: there was none yet
	retiring []atomic.Uint32                              // by pool; 0: since the begin
	reserved atomic.Pointer[map[binding.Key]binding.Time] // leases that were reserved since the begin
}

func newSettled(pools int) *Settled { return &Settled{retiring: make([]atomic.Uint32, pools)} }

func (s *Settled) tick(now binding.Time) { s.begun.CompareAndSwap(0, uint32(now)) }

func (s *Settled) since(now, later binding.Time) binding.Time {
	begun := binding.Time(s.begun.Load())
	if begun == 0 {
		begun = now
	}
	return max(begun, later)
}

// Retiring is since when the node knows that a pool is being retired.
func (s *Settled) Retiring(pool int, now binding.Time) binding.Time {
	return s.since(now, binding.Time(s.retiring[pool].Load()))
}

// Reserved is since when the node knows for whom a lease is reserved.
func (s *Settled) Reserved(key *binding.Key, now binding.Time) binding.Time {
	later := binding.Time(0)
	if all := s.reserved.Load(); all != nil {
		later = (*all)[*key]
	}
	return s.since(now, later)
}

// Retire says that a pool is being retired from now on.
func (s *Settled) Retire(pool int, now binding.Time) { s.retiring[pool].Store(uint32(now)) }

// Reserve says that leases are reserved for somebody from now on. What it was told so before the time old is forgotten.
func (s *Settled) Reserve(keys []binding.Key, now, old binding.Time) {
	was := s.reserved.Load()
	if len(keys) == 0 && was == nil {
		return
	}
	next := make(map[binding.Key]binding.Time, len(keys))
	if was != nil {
		maps.Copy(next, *was)
		maps.DeleteFunc(next, func(_ binding.Key, at binding.Time) bool { return at < old })
	}
	for _, key := range keys {
		next[key] = now
	}
	s.reserved.Store(&next)
}

// succeed takes over what another one knows of the pools that are the same.
func (s *Settled) succeed(old *Settled, pools []int) {
	carry32(&s.begun, &old.begun)
	s.reserved.Store(old.reserved.Load())
	for i, was := range pools {
		if was != Nobody {
			carry32(&s.retiring[i], &old.retiring[was])
		}
	}
}
