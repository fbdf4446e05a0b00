package peer

import (
	"encoding/binary"
	"slices"
	"sync/atomic"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
)

// clientHash is a seeded hash of a client IA.
func (c *Conflicts) clientHash(id address.Identity) uint64 {
	var room [clientHashSize]byte
	b := append(room[:0], c.salt[:]...)
	b = binary.LittleEndian.AppendUint32(b, id.IAID)
	kind := byte(id.Kind)
	if id.Derived {
		kind |= 0x80
	}
	return xxhash.Sum64(append(append(b, kind), id.DUID...))
}

func (c *Conflicts) clientCell(hash uint64) *atomic.Uint32 { return &c.clients[hash%conflictsSize] }

// list takes a claim into the index by client IA. The lock must be held.
func (c *Conflicts) list(key *binding.Key, claim *Claim) {
	hash := c.clientHash(claim.Client())
	c.clientCell(hash).Add(1)
	c.leases[hash] = append(c.leases[hash], *key)
}

// unlist takes a claim out of the index by client IA. The lock must be held.
func (c *Conflicts) unlist(key *binding.Key, claim *Claim) {
	hash := c.clientHash(claim.Client())
	c.clientCell(hash).Add(^uint32(0))
	keys := c.leases[hash]
	if at := slices.Index(keys, *key); at >= 0 {
		keys = slices.Delete(keys, at, at+1)
	}
	if c.leases[hash] = keys; len(keys) == 0 {
		delete(c.leases, hash)
	}
}

// attribute gives a claim whose IAID isn't known that of the claim with which it is heard once more. The lock must be held.
func (c *Conflicts) attribute(key *binding.Key, old, claim *Claim) {
	if !old.Anonymous || claim.Anonymous {
		return
	}
	c.unlist(key, old)
	old.Anonymous, old.IAID, old.Known = false, claim.IAID, claim.Known
	old.own()
	c.list(key, old)
}

// Moved notes that a client IA renews leases, those for which held is true: what it only asked for beside them it didn't
// get, unless this Renew is older than the Request, and late. Without claims of that client it takes no lock.
func (c *Conflicts) Moved(client *Claim, now binding.Time, held func(key *binding.Key) bool) {
	hash := c.clientHash(client.Client())
	if c.clientCell(hash).Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range slices.Clone(c.leases[hash]) {
		if !held(&key) {
			c.remove(key, func(claim *Claim) bool {
				return claim.Same(client) && !claim.Anonymous && !claim.Held && Confirms(claim.Since, now)
			})
		}
	}
}

// HoldsOther tells whether the claim's client IA has a claim on another lease, which it holds.
func (c *Conflicts) HoldsOther(key *binding.Key, claim *Claim) bool {
	hash := c.clientHash(claim.Client())
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.leases[hash], func(other binding.Key) bool {
		return other != *key && slices.ContainsFunc(c.claims[other], func(o Claim) bool { return o.Held && o.Same(claim) })
	})
}
