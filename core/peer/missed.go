package peer

import (
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// Missed says, by pool, until when this node knows that it doesn't know all its peers' bindings there: it heard claims
// and didn't take them in.
type Missed struct{ until []atomic.Uint32 }

func newMissed(pools int) *Missed { return &Missed{until: make([]atomic.Uint32, pools)} }

// Until notes that a claim to a lease of the pool wasn't taken in, which may last until then.
func (m *Missed) Until(pool int, until binding.Time) { raise(&m.until[pool], uint32(until)) }

// Pools returns the pools of which some bindings are missing now, and until when.
func (m *Missed) Pools(now binding.Time) (until map[int]binding.Time) {
	for pool := range m.until {
		if m.In(pool, now) {
			if until == nil {
				until = make(map[int]binding.Time)
			}
			until[pool] = binding.Time(m.until[pool].Load())
		}
	}
	return until
}

// In tells whether some of the pool's bindings are missing now.
func (m *Missed) In(pool int, now binding.Time) bool { return uint32(now) < m.until[pool].Load() }
