package peer

import (
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
)

// An Explanation says how a lease that a client requests from a peer follows from the shared configuration.
type Explanation uint8

// Explanations of a new claim.
const (
	ByFirst    Explanation = iota + 1 // the client's first candidate, or a reservation
	ByLater                           // a later candidate; in a dense pool a slot of the peer's own stripe or part
	ByOtherKey                        // a candidate under a key that is accepted and not in use here
	ByChance                          // a spill, in a pool of which more than half is free: seldom the peer's choice, and never always
	ByNothing                         // no rule of this configuration gives that lease to that client there
)

// Divergence counts, per peer and pool, how many of the newest claims in its name follow from the configuration that
// this node has. A peer with another key, pool or algorithm gives itself away within a handful of them.
type Divergence struct {
	recent []atomic.Uint64 // by node and pool, then by node and link for leases in no pool: 4 bits per claim, newest lowest
	pools  int
	links  int
	total  []atomic.Uint64 // by node and explanation
	last   []atomic.Uint64 // by index of recent: the clients of the two newest claims that weren't explained, 32 bits each

	mu       sync.Mutex
	examples map[int]Example // by index of recent
}

// An Example is a claim that nothing explains.
type Example struct {
	Lease binding.Key
	DUID  []byte
	IAID  uint32
	At    binding.Time
}

const (
	recentClaims   = 8 // of the 16 that a word holds; a handful
	enoughNothing  = 3 // claims without explanation among them,
	explanations   = 6
	allChance      = 0x4444_4444_4444_4444 // all 16 claims of a word are by chance: of one in 65536 words at most
	maxExamples    = 1024
	explanationLow = 15
)

// NewDivergence makes the counts for a cluster.
func NewDivergence(nodes, pools, links int) *Divergence {
	return &Divergence{
		recent: make([]atomic.Uint64, nodes*(pools+links)), pools: pools, links: links,
		total:    make([]atomic.Uint64, nodes*explanations),
		last:     make([]atomic.Uint64, nodes*(pools+links)),
		examples: make(map[int]Example),
	}
}

// Claimed notes a new claim in a peer's name: of a lease of the pool, or with pool -1 of one in no pool of the link. Of
// claims without explanation that come from one client (a hash of it), or from two in turns, only the first ones count.
func (d *Divergence) Claimed(node, pool, link int, by Explanation, client uint64, claim Example) {
	at := d.index(node, pool, link)
	if by >= ByOtherKey && d.spoke(at, client) {
		return
	}
	word := &d.recent[at]
	for old := word.Load(); !word.CompareAndSwap(old, old<<4|uint64(by)); old = word.Load() {
	}
	d.total[node*explanations+int(by)].Add(1)
	if by < ByOtherKey {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if old, known := d.examples[at]; known || len(d.examples) < maxExamples {
		claim.DUID = append(old.DUID[:0], claim.DUID...)
		d.examples[at] = claim
	}
}

// spoke tells whether one of the two newest claims without explanation there was the client's, and notes the client.
func (d *Divergence) spoke(at int, client uint64) bool {
	word := &d.last[at]
	who := client>>32 | 1 // 0 is nobody
	old := word.Load()
	if old&(1<<32-1) == who || old>>32 == who {
		return true
	}
	word.CompareAndSwap(old, old<<32|who)
	return false
}

func (d *Divergence) index(node, pool, link int) int {
	if pool < 0 {
		pool = d.pools + link
	}
	return node*(d.pools+d.links) + pool
}

// Total is how many new claims in the peer's name had that explanation.
func (d *Divergence) Total(node int, by Explanation) uint64 {
	return d.total[node*explanations+int(by)].Load()
}

// A Finding is a pool in which a peer's grants don't follow from this node's configuration.
type Finding struct {
	Node    int
	Pool    int // ID; -1: leases outside of all pools of Link
	Link    int
	Other   bool // the peer uses a key that is only accepted here
	Claims  int  // new claims looked at
	Strange int  // of them without explanation
	Example Example
}

// Findings returns where a peer diverges: most of its newest claims have no explanation, or each of the last 16 had
// to make way for somebody though most of the pool is free.
func (d *Divergence) Findings() (out []Finding) {
	for at := range d.recent {
		all := d.recent[at].Load()
		word, claims, strange, other := all, 0, 0, 0
		for range recentClaims {
			switch Explanation(word & explanationLow) {
			case 0:
				continue
			case ByNothing:
				strange++
			case ByOtherKey:
				other++
			}
			claims++
			word >>= 4
		}
		switch {
		case all == allChance:
			claims, strange = 16, 16
		case max(strange, other) < enoughNothing || 2*(strange+other) <= claims:
			continue
		}
		f := Finding{Node: at / (d.pools + d.links), Pool: at % (d.pools + d.links), Claims: claims, Strange: strange + other}
		f.Other = other > strange
		if f.Pool >= d.pools {
			f.Pool, f.Link = -1, f.Pool-d.pools
		}
		d.mu.Lock()
		f.Example = d.examples[at]
		f.Example.DUID = append([]byte(nil), f.Example.DUID...) // the next example is written over it
		d.mu.Unlock()
		out = append(out, f)
	}
	return out
}
