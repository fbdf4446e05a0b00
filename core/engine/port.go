package engine

import (
	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// What is counted by relay port.
type portCount uint8

const (
	leasePort portCount = iota // all leases that stand, own and observed
	weakPort                   // weak claims in peers' names
)

// portKinds tell a relay port: the relay's link-address and what it says of the port. A Remote-ID or Subscriber-ID
// alone will do, and so will an Interface-ID; clients that none of them describes have no port, and no limit.
var portKinds = [...]binding.ExtensionKind{
	binding.ExtLinkAddress, binding.ExtInterfaceID, binding.ExtRemoteID, binding.ExtSubscriberID,
}

// portOf hashes what a binding's extension says of the relay port; 0: nothing.
func portOf(extension binding.Extension, what portCount) uint64 {
	var digest xxhash.Digest
	digest.ResetWithSeed(uint64(what))
	told := false
	for _, kind := range portKinds {
		value, ok := extension.Find(kind)
		told = told || ok && kind != binding.ExtLinkAddress
		header := [2]byte{byte(len(value)), byte(kind)}
		digest.Write(header[:]) // never fails
		digest.Write(value)
	}
	if !told {
		return 0
	}
	return digest.Sum64() | 1
}

// crowded tells whether the message's relay port has as many leases, or weak claims, as it may have.
func (e *Engine) crowded(what portCount) bool {
	limit := e.policy.LeasesPerPort
	if what == weakPort {
		limit = e.policy.WeakPerPort
	}
	if limit == 0 {
		return false
	}
	port := portOf(e.kept(), what)
	return port != 0 && e.view.Ports.Count(port) >= limit
}

// portFull tells whether a lease that the client names is one more than its relay port may have. What stands for the client counts already. What it
// says to hold, by Renew or Rebind, is left to it while the node may have missed that.
func (e *Engine) portFull(key *binding.Key, id *address.Identity) bool {
	if e.policy.LeasesPerPort == 0 || e.knows() || e.claims() && !e.policy.Single && !e.gateOpen() {
		return false
	}
	if r := e.handle.Find(key); r != nil && r.BelongsTo(id) && stands(r) {
		return false
	}
	return e.crowded(leasePort)
}

// believes tells whether a claim on a lease that another record stands for is taken: one more that nothing explains only
// where its relay port has no more of them than it may.
func (e *Engine) believes(key *binding.Key, c *peer.Claim, pool *policy.Pool) bool {
	return c.Strong || e.view.Conflicts.Has(key, c) || !e.refuses(pool)
}

// refuses tells whether one more weak claim, on a lease of the pool or of none, is too many for its relay port. Where a
// subscriber may have no more leases than that, it is a lie. Otherwise what it names may be granted already, and isn't
// known to be, so the pool isn't shared as long as that claim would have stood.
func (e *Engine) refuses(pool *policy.Pool) bool {
	if !e.crowded(weakPort) {
		return false
	}
	e.view.Ports.Refuse()
	lie := e.policy.LeasesPerPort > 0 && e.policy.LeasesPerPort <= e.policy.WeakPerPort
	if pool != nil && !lie {
		e.view.Missed.Until(pool.ID, e.now.Add(e.link.LongestValid))
	}
	return true
}

// Recount notes at which ports a record came and another one, unless nil, went.
func Recount(view *peer.View, old, fresh *binding.Record) {
	if view.Ports.Idle() {
		return
	}
	if old != nil && old.State() == fresh.State() && old.Flags() == fresh.Flags() && old.Owner() == fresh.Owner() && old.Kind() == fresh.Kind() &&
		fresh.SharesExtension(old) {
		return // a renewal
	}
	if old != nil {
		countPorts(view, old, -1)
	}
	countPorts(view, fresh, 1)
}

// countPorts adds a record to the counts of its port, or takes it out.
func countPorts(view *peer.View, r *binding.Record, n int) {
	if !stands(r) || r.Kind() == wire.Registered { // nobody granted that
		return
	}
	var room [binding.MaxExtension]byte
	extension := r.AppendExtension(room[:0])
	view.Ports.Add(portOf(extension, leasePort), n)
	if Observed(r) && !has(r, FlagStrong) {
		view.Ports.Add(portOf(extension, weakPort), n)
	}
}
