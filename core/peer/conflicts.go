package peer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	maxContended  = 4096 // leases with more than one claim
	maxClaims     = 4    // claims on one lease beside the one in the table
	conflictsSize = 1 << 12
)

// A Claim is what a client says in a peer's name about a lease that stands in the table for somebody else.
type Claim struct {
	Node      int
	Kind      wire.Kind
	IAID      uint32
	DUID      []byte
	Strong    bool              // a candidate or a reservation explains it
	Asked     bool              // first heard by a Request, so that its client waited for an answer
	Held      bool              // heard by a Renew or Rebind: the client got the lease. A Request only asks for it
	Confirmed bool              // held, and heard so at least 30 s after the first time
	Since     binding.Time      // first heard
	Expires   binding.Time      // last heard and our valid lifetime
	Extension binding.Extension // what is kept of relays and hardware
}

// same tells whether two claims are of the same client's identity association.
func (c *Claim) same(other *Claim) bool {
	return c.Kind == other.Kind && c.IAID == other.IAID && string(c.DUID) == string(other.DUID)
}

// Conflicts holds the claims that compete with a binding in the table. There are few: of a lease with no other
// claim a filter says so without a lock.
type Conflicts struct {
	filter  [conflictsSize]atomic.Uint32 // claims by hash of the lease
	clients [conflictsSize]atomic.Uint32 // and by hash of the client IA
	mu      sync.Mutex
	claims  map[binding.Key][]Claim
	lost    uint64 // claims that found no room
	mended  atomic.Uint64
}

func conflictHash(key *binding.Key) uint32 {
	h := uint32(key.Length)
	for _, b := range key.Address {
		h = (h ^ uint32(b)) * 16777619
	}
	return (h >> 7) % conflictsSize
}

// confirmAfter is how many seconds after its first sight a claim is confirmed by a Renew or Rebind: by then the client
// has its Reply, which a Request alone doesn't show.
const confirmAfter = 30

// Confirms tells whether a message now confirms what was first heard at since.
func Confirms(since, now binding.Time) bool { return now >= since+confirmAfter }

// Note takes a claim, or extends the one that the same client IA has in that node's name. Holds says that the client
// speaks of a lease that it holds: a Renew or Rebind. It returns the claim as it is now.
func (c *Conflicts) Note(key *binding.Key, claim Claim, holds bool, now binding.Time) Claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.claims[*key]
	for i := range list {
		old := &list[i]
		if !old.same(&claim) {
			continue
		}
		if claim.Node != Nobody {
			old.Node = claim.Node
		}
		old.Strong, old.Expires = claim.Strong, max(old.Expires, claim.Expires)
		old.Held = old.Held || holds
		if string(old.Extension) != string(claim.Extension) {
			old.Extension = append(binding.Extension(nil), claim.Extension...) // others may read the old one
		}
		old.Confirmed = old.Confirmed || holds && Confirms(old.Since, now)
		return *old
	}
	if len(list) >= maxClaims || len(list) == 0 && len(c.claims) >= maxContended {
		c.lost++
		return claim
	}
	if c.claims == nil {
		c.claims = make(map[binding.Key][]Claim)
	}
	claim.DUID, claim.Asked, claim.Held = append([]byte(nil), claim.DUID...), !holds, claim.Held || holds
	claim.Extension = append(binding.Extension(nil), claim.Extension...)
	c.claims[*key] = append(list, claim)
	c.filter[conflictHash(key)].Add(1)
	c.clients[clientHash(claim.Kind, claim.IAID, claim.DUID)].Add(1)
	return claim
}

// On returns the claims on a lease beside the table's binding. Without any it takes no lock.
func (c *Conflicts) On(key *binding.Key) []Claim {
	if c.filter[conflictHash(key)].Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.claims[*key])
}

func clientHash(kind wire.Kind, iaid uint32, duid []byte) uint32 {
	h := iaid*2654435761 + uint32(kind)
	for _, b := range duid {
		h = (h ^ uint32(b)) * 16777619
	}
	return (h >> 7) % conflictsSize
}

// Moved notes that a client IA renews leases, those for which held is true: what it only asked for beside them it didn't
// get, unless this Renew is older than the Request, and late. Without claims of that client it takes no lock.
func (c *Conflicts) Moved(kind wire.Kind, iaid uint32, duid []byte, now binding.Time, held func(key *binding.Key) bool) {
	if c.clients[clientHash(kind, iaid, duid)].Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	client := Claim{Kind: kind, IAID: iaid, DUID: duid}
	for key := range c.claims {
		if !held(&key) {
			c.remove(key, func(claim *Claim) bool { return claim.same(&client) && !claim.Held && Confirms(claim.Since, now) })
		}
	}
}

// HoldsOther tells whether the claim's client IA has a claim on another lease, which it holds. It looks at all claims.
func (c *Conflicts) HoldsOther(key *binding.Key, claim *Claim) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other, list := range c.claims {
		if other == *key {
			continue
		}
		for i := range list {
			if list[i].Held && list[i].same(claim) {
				return true
			}
		}
	}
	return false
}

// Drop forgets the claim of a client IA on a lease, if it has one: its client gave it up, or it stands in the table now.
func (c *Conflicts) Drop(key *binding.Key, kind wire.Kind, iaid uint32, duid []byte) {
	if c.filter[conflictHash(key)].Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	gone := Claim{Kind: kind, IAID: iaid, DUID: duid}
	c.remove(*key, gone.same)
}

// remove drops a lease's claims. The lock must be held.
func (c *Conflicts) remove(key binding.Key, gone func(*Claim) bool) {
	list := c.claims[key]
	left := list[:0]
	for i := range list {
		if !gone(&list[i]) {
			left = append(left, list[i])
			continue
		}
		c.clients[clientHash(list[i].Kind, list[i].IAID, list[i].DUID)].Add(^uint32(0))
	}
	if n := len(list) - len(left); n > 0 {
		c.filter[conflictHash(&key)].Add(-uint32(n))
	}
	if len(left) == 0 {
		delete(c.claims, key)
		return
	}
	c.claims[key] = left
}

// expire drops claims that weren't renewed.
func (c *Conflicts) expire(now binding.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.claims {
		c.remove(key, func(claim *Claim) bool { return claim.Expires <= now })
	}
}

// Mended counts a conflict that ended because a client was given another lease.
func (c *Conflicts) Mended() { c.mended.Add(1) }

// Counts returns how many leases have competing claims, how many conflicts were mended, and how many claims found no room.
func (c *Conflicts) Counts() (contended int, mended, lost uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.claims), c.mended.Load(), c.lost
}

// Leases returns the leases that have competing claims, sorted.
func (c *Conflicts) Leases() (keys []binding.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.claims {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b binding.Key) int { return a.Compare(&b) })
	return keys
}
