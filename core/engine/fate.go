package engine

import (
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Fate is what becomes of a binding under another policy, when its client renews next.
type Fate uint8

// Fates. All but the first and the last give the client another lease beside the old one with lifetimes 0 (RFC 9915, Section 18.3.4).
const (
	FateKept     Fate = iota
	FateOutside       // no pool of its link has the lease any more, or the link is gone
	FateExcluded      // a pool has it and doesn't assign it
	FateReserved      // it is reserved for another client
	FateMoves         // its client has another lease reserved, and gets it if that is free
	FateRetires       // its pool is being retired: the client gets another lease, and keeps this one until it ends
	Fates             // how many there are
)

// Prospects tells the fates of bindings under a policy that follows another one. It belongs to one goroutine.
type Prospects struct {
	before, after *policy.Policy
	links         []int // by link of before: the link of after with that name, or -1
	packet        wire.Packet
	extension     []byte
}

// NewProspects compares two policies. Links are the same where their names are.
func NewProspects(before, after *policy.Policy) *Prospects {
	p := &Prospects{before: before, after: after, links: make([]int, len(before.Links))}
	for i := range p.links {
		p.links[i] = -1
		for k := range after.Links {
			if after.Links[k].Name == before.Links[i].Name {
				p.links[i] = k
			}
		}
	}
	return p
}

// Of returns what becomes of a record, and the pool that has its lease before; nil: none has.
func (p *Prospects) Of(r *binding.Record) (*policy.Pool, Fate) {
	key, kind := r.Key(), r.Kind()
	pool := p.before.PoolOf(kind, &key.Address, key.Length)
	if r.Registered() {
		return pool, FateKept // no server gave it, and none takes it
	}
	link := p.linkOf(pool, kind, &key)
	if link == nil {
		return pool, FateOutside
	}
	return pool, p.On(r, link)
}

// On returns what becomes of a record whose client is on a link of the later policy, whichever link's pool has its lease.
func (p *Prospects) On(r *binding.Record, link *policy.Link) Fate {
	key, kind := r.Key(), r.Kind()
	own := p.reservation(link, r)
	if holder := link.Reserved(&key.Address, key.Length); holder != nil {
		if holder == own {
			return FateKept
		}
		return FateReserved
	}
	if own != nil && (kind == wire.IANA && len(own.Addresses) > 0 || kind == wire.IAPD && len(own.Prefixes) > 0) {
		return FateMoves
	}
	next := link.OwnPool(kind, &key.Address, key.Length)
	if next == nil {
		next = link.SiblingPool(kind, &key.Address, key.Length)
	}
	if next == nil {
		return FateOutside
	}
	if slot, ok := next.Range.Slot(key.Address); !ok || next.Range.Excludes(slot) {
		return FateExcluded
	}
	if next.Retiring {
		return FateRetires
	}
	return FateKept
}

// linkOf is the later policy's link of a lease's client: of the pool that has the lease, or of the reservation, before, else
// of the pool that has it after; nil: there is none.
func (p *Prospects) linkOf(pool *policy.Pool, kind wire.Kind, key *binding.Key) *policy.Link {
	was := -1
	if pool != nil {
		was = pool.Link
	} else {
		for i := range p.before.Links {
			if p.before.Links[i].Reserved(&key.Address, key.Length) != nil {
				was = i
			}
		}
	}
	link := -1
	if was >= 0 {
		link = p.links[was]
	} else if next := p.after.PoolOf(kind, &key.Address, key.Length); next != nil {
		link = next.Link
	}
	if link < 0 {
		return nil
	}
	return &p.after.Links[link]
}

// reservation finds what is reserved for a record's client, by what the record tells of it.
func (p *Prospects) reservation(link *policy.Link, r *binding.Record) *policy.Reservation {
	anything, byRelay := link.Reserves()
	if !anything {
		return nil
	}
	p.packet.RelayCount = 0
	if byRelay {
		p.extension = r.AppendExtension(p.extension[:0])
		extension, relay := binding.Extension(p.extension), &p.packet.Relays[0]
		relay.ClientLinkLayer, _ = extension.Find(binding.ExtHardwareAddress)
		relay.RemoteID, _ = extension.Find(binding.ExtRemoteID)
		relay.SubscriberID, _ = extension.Find(binding.ExtSubscriberID)
		relay.InterfaceID, _ = extension.Find(binding.ExtInterfaceID)
		p.packet.RelayCount = 1
	}
	p.packet.Message.ClientID = r.DUID()
	return link.Reservation(&p.packet)
}
