package peer

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

const (
	maxContended   = 4096 // leases with more than one claim
	maxClaims      = 4    // claims on one lease beside the one in the table
	maxPortClaims  = 256  // claims by one relay port, so that no line alone can fill the table
	conflictsSize  = 1 << 12
	clientHashSize = wire.MaxDUID + 8 + 5
)

// Conflicts holds the claims that compete with a binding in the table. There are few: of a lease with no other
// claim a filter says so without a lock.
//
// Where bindings are counted by relay port, which is a subscriber then, a port has one weak claim to a lease at most: nobody
// holds one lease with two clients, and who makes clients up would win by rank with one of many.
type Conflicts struct {
	filter  [conflictsSize]atomic.Uint32 // claims by hash of the lease
	clients [conflictsSize]atomic.Uint32 // and by hash of the client IA
	salt    [8]byte
	ports   *Ports // weak claims are counted there as well
	mu      sync.Mutex
	claims  map[binding.Key][]Claim
	leases  map[uint64][]binding.Key // by hash of the client IA: the leases that it claims
	byPort  map[uint64]int           // claims by relay port
	lost    uint64                   // claims that found no room
	decided decisions
}

func newConflicts(salt [8]byte, ports *Ports) *Conflicts {
	return &Conflicts{
		salt: salt, ports: ports,
		claims: make(map[binding.Key][]Claim), leases: make(map[uint64][]binding.Key), byPort: make(map[uint64]int),
	}
}

// leaseCell is the lease's counter in the filter. It is seeded, so that nobody can choose leases that share one.
func (c *Conflicts) leaseCell(key *binding.Key) *atomic.Uint32 {
	var b [25]byte
	n := copy(b[:], c.salt[:])
	n += copy(b[n:], key.Address[:])
	b[n] = key.Length
	return &c.filter[xxhash.Sum64(b[:])%conflictsSize]
}

// Note takes a claim, or extends the one that the same client IA has in that node's name. Holds says that the client
// speaks of a lease that it holds: a Renew or Rebind. It returns the claim as it is now.
func (c *Conflicts) Note(key *binding.Key, claim Claim, holds bool, now binding.Time) Claim {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.claims[*key]
	for i := range list {
		if list[i].Same(&claim) {
			c.attribute(key, &list[i], &claim)
			c.again(&list[i], &claim, holds, now)
			return list[i]
		}
	}
	if c.noRoom(list, &claim) {
		c.lost++
		return claim
	}
	claim.own()
	claim.Asked, claim.Held = !holds, claim.Held || holds
	claim.Extension = append(binding.Extension(nil), claim.Extension...)
	c.insert(key, claim)
	c.count(&claim, 1)
	return claim
}

// insert takes a claim into the indexes. The lock must be held.
func (c *Conflicts) insert(key *binding.Key, claim Claim) {
	c.claims[*key] = append(c.claims[*key], claim)
	c.leaseCell(key).Add(1)
	c.list(key, &claim)
}

// noRoom tells whether there is no place for a new claim on a lease.
func (c *Conflicts) noRoom(list []Claim, claim *Claim) bool {
	if len(list) >= maxClaims || len(list) == 0 && len(c.claims) >= maxContended {
		return true
	}
	if claim.Port == 0 {
		return false
	}
	return c.byPort[claim.Port] >= maxPortClaims ||
		!claim.Strong && !c.ports.Idle() && slices.ContainsFunc(list, func(other Claim) bool {
			return !other.Strong && other.Port == claim.Port
		})
}

// again extends a claim that is heard once more.
func (c *Conflicts) again(old, claim *Claim, holds bool, now binding.Time) {
	c.count(old, -1)
	if claim.Node != Nobody {
		old.Node = claim.Node
	}
	if !claim.Anonymous && (old.IAID != claim.IAID || string(old.DUID) != string(claim.DUID)) { // what it is known by is the same
		old.IAID, old.DUID = claim.IAID, append([]byte(nil), claim.DUID...)
	}
	old.Strong, old.Port, old.Expires = claim.Strong, claim.Port, max(old.Expires, claim.Expires)
	old.Held = old.Held || holds
	if string(old.Extension) != string(claim.Extension) {
		old.Extension = append(binding.Extension(nil), claim.Extension...) // others may read the old one
	}
	old.Confirmed = old.Confirmed || holds && Confirms(old.Since, now)
	c.count(old, 1)
}

// count counts a claim at its port, or takes it out.
func (c *Conflicts) count(claim *Claim, n int) {
	if claim.Port == 0 {
		return
	}
	if c.byPort[claim.Port] += n; c.byPort[claim.Port] == 0 {
		delete(c.byPort, claim.Port)
	}
	if !claim.Strong {
		c.ports.Add(claim.Port, n)
	}
}

// On returns the claims on a lease beside the table's binding. Without any it takes no lock.
func (c *Conflicts) On(key *binding.Key) []Claim {
	if c.leaseCell(key).Load() == 0 {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.claims[*key])
}

// Has tells whether a claim's client IA has a claim on the lease.
func (c *Conflicts) Has(key *binding.Key, client *Claim) bool {
	if c.leaseCell(key).Load() == 0 {
		return false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.claims[*key], func(claim Claim) bool { return claim.Same(client) })
}

// Drop forgets the claim on a lease of the client IA of a claim, if it has one: its client gave it up, or it stands in the table now.
func (c *Conflicts) Drop(key *binding.Key, client *Claim) {
	if c.leaseCell(key).Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.remove(*key, client.Same)
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
		c.forget(&key, &list[i])
	}
	clear(list[len(left):])
	if len(left) == 0 {
		delete(c.claims, key)
		return
	}
	c.claims[key] = left
}

// forget takes a claim out of all counts and out of the index by client.
func (c *Conflicts) forget(key *binding.Key, claim *Claim) {
	c.leaseCell(key).Add(^uint32(0))
	c.count(claim, -1)
	c.unlist(key, claim)
}

// expire drops claims that weren't renewed.
func (c *Conflicts) expire(now binding.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.claims {
		c.remove(key, func(claim *Claim) bool { return claim.Expires.Add(Grace) <= now })
	}
}

// Counts returns how many leases have competing claims, how many conflicts were mended, and how many claims found no room.
func (c *Conflicts) Counts() (contended int, mended, lost uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.claims), c.decided.total, c.lost
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
