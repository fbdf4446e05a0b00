package daemon

import (
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
)

// A dnsWorld tells what this node knows to whoever decides what DNS shall hold. It belongs to one goroutine at a time.
type dnsWorld struct {
	d      *Daemon
	handle *binding.Handle
	found  []*binding.Record
}

func newDNSWorld(d *Daemon) *dnsWorld { return &dnsWorld{d: d, handle: d.table.NewHandle()} }

func (w *dnsWorld) close() { w.handle.Close() }

// Now implements upkeep.World.
func (w *dnsWorld) Now() binding.Time { return worker.Time(w.d.clock()) }

// Lease implements upkeep.World.
func (w *dnsWorld) Lease(key *binding.Key) (binding.Stored, bool) {
	w.handle.Enter()
	defer w.handle.Leave()
	r := w.handle.Find(key)
	if r == nil {
		return binding.Stored{}, false
	}
	return binding.Copy(r), true
}

// Client implements upkeep.World.
func (w *dnsWorld) Client(dst []binding.Stored, of *binding.Stored) []binding.Stored {
	w.handle.Enter()
	defer w.handle.Leave()
	id := of.Identity()
	w.found = w.handle.FindIdentity(&id, w.found[:0])
	for _, r := range w.found {
		dst = append(dst, binding.Copy(r))
	}
	return dst
}

// answersFor is for how many seconds an answer shows that a peer lives to remove what has ended. It is less than for serving clients: a
// node that dies may leave nobody who asks it and gets no answer, since its clients died with it, and their leases end soon after. What
// nobody removes then stays until an audit. It is more than sweepGrace, so that a peer which answers clients counts.
const answersFor = 90

// Removes implements upkeep.World. A peer that isn't known to live may be one that has nobody to answer; then both remove, which
// does no harm, since what a peer's clients renewed would have been heard.
func (w *dnsWorld) Removes(key *binding.Key, owner uint8) bool {
	site, now := w.d.site.Load(), w.Now()
	p := site.Policy
	if owner == peer.Self || p.Single {
		return true
	}
	alive := func(node int) bool {
		if node == p.Self {
			return true
		}
		health := site.View.Health.Report(node, now)
		return health.Condition == peer.Alive && uint32(now)-uint32(health.LastAnswer) <= answersFor
	}
	dead, known := site.View.Node(owner)
	if known && alive(dead) {
		return false
	}
	best, most := -1, uint64(0)
	for node := range p.Nodes {
		if rank := rendezvous(p.Nodes[node].ServerID, key); alive(node) && (best < 0 || rank > most) {
			best, most = node, rank
		}
	}
	return best == p.Self
}

// rendezvous is a node's rank for a lease, alike on all nodes.
func rendezvous(serverID []byte, key *binding.Key) uint64 {
	b := make([]byte, 0, wire.MaxDUID+len(key.Address)+2)
	b = binary.BigEndian.AppendUint16(b, uint16(len(serverID)))
	b = append(append(b, serverID...), key.Address[:]...)
	return xxhash.Sum64(append(b, key.Length))
}

// Missed implements upkeep.World.
func (w *dnsWorld) Missed(heard binding.Time) bool {
	site := w.d.site.Load()
	return !site.Policy.Single && site.View.Gate.Missed(heard)
}

// Listening implements upkeep.World. Of a lease that is on no link of the configuration any more nobody will be heard.
func (w *dnsWorld) Listening(key *binding.Key, kind wire.Kind) bool {
	site, now := w.d.site.Load(), w.Now()
	link := site.Policy.LinkOf(kind, &key.Address, key.Length)
	return !site.Policy.Single && link >= 0 && !site.View.Gate.Open(link, now)
}

// pools tells whether a lease is one that the servers give to clients.
func (w *dnsWorld) pools(key *binding.Key) bool { return served(w.d.site.Load(), key) }

func served(site *engine.Site, key *binding.Key) bool {
	p := site.Policy
	if key.Length != 128 {
		return p.LinkOf(wire.IAPD, &key.Address, key.Length) >= 0
	}
	if p.PoolOf(wire.IANA, &key.Address, key.Length) != nil {
		return true
	}
	for i := range p.Links {
		if p.Links[i].Reserved(&key.Address, key.Length) != nil {
			return true
		}
	}
	return false
}
