package policy

import (
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/wire"
)

func kindIndex(kind wire.Kind) int {
	if kind == wire.IAPD {
		return 1
	}
	return 0
}

// poolIn is the pool of the table that has a lease of exactly that length at addr, or nil.
func poolIn(t *table, pools []*Pool, addr *[16]byte, length uint8) *Pool {
	id := t.find(address.FromBytes(*addr))
	if id < 0 {
		return nil
	}
	pool := pools[id]
	if pool.Range.Length() != length {
		return nil
	}
	if _, ok := pool.Range.Slot(*addr); !ok {
		return nil
	}
	return pool
}

// PoolOf finds the pool, of any link and any node, that has the lease; nil: none has it.
// The length is 128 for an address.
func (p *Policy) PoolOf(kind wire.Kind, addr *[16]byte, length uint8) *Pool {
	return poolIn(&p.leases[kindIndex(kind)], p.Pools, addr, length)
}

// OwnPool finds the pool of this node on the link that has the lease; nil: none has it.
// Whether the lease may be assigned is another question: it can be excluded or reserved.
func (l *Link) OwnPool(kind wire.Kind, addr *[16]byte, length uint8) *Pool {
	if pool := poolIn(&l.leases[kindIndex(kind)], l.pools, addr, length); pool != nil && pool.Own {
		return pool
	}
	return nil
}

// SiblingPool finds the pool on the link that another node assigns from, or that is on its way from one node to
// another, and that has the lease; nil: none has it.
func (l *Link) SiblingPool(kind wire.Kind, addr *[16]byte, length uint8) *Pool {
	if pool := poolIn(&l.leases[kindIndex(kind)], l.pools, addr, length); pool != nil && !pool.Own {
		return pool
	}
	return nil
}

// Choose ranks this node's pools of the client's kind on the link, best first: it fills order with indexes into
// Addresses or Prefixes and returns it. Up to 32 pools it allocates only where order has no room. Where one of the pools is
// sequential the order is the file's.
func (l *Link) Choose(h *address.Hasher, id *address.Identity, order []int) []int {
	kind := kindIndex(id.Kind)
	if !l.inOrder[kind] {
		return h.Choose(l.ranges[kind], id, order)
	}
	order = order[:0]
	for i := range l.ranges[kind] {
		order = append(order, i)
	}
	return order
}

// Appropriate tells whether the address has a prefix that is on the link (RFC 9915, Sections 18.3.2 to 18.3.5):
// a link-address of its relays, a pool of any node, or a reservation.
func (l *Link) Appropriate(addr *[16]byte) bool { return l.onLink.find(address.FromBytes(*addr)) >= 0 }

// AppropriatePrefix tells whether any node could have delegated the prefix on the link.
func (l *Link) AppropriatePrefix(prefix *[16]byte, length uint8) bool {
	i := l.delegable.find(address.FromBytes(*prefix))
	return i >= 0 && l.Delegable[i].Bits() <= int(length)
}

// Excluded is the prefix that the delegating router keeps out of a delegated one (RFC 6603); ok is false where the
// pool cuts none.
func (p *Pool) Excluded(delegated *[16]byte) (excluded netip.Prefix, ok bool) {
	if p.Cut == nil {
		return netip.Prefix{}, false
	}
	id := address.U128{Lo: p.Cut.ID}.Lsh(uint(128 - p.Cut.Length))
	at := address.FromBytes(*delegated).Add(id)
	return netip.PrefixFrom(netip.AddrFrom16(at.Bytes()), int(p.Cut.Length)), true
}

// ExcludeData appends the data of a Prefix Exclude option (RFC 6603, Section 4.2) for a prefix delegated from the
// pool. It appends nothing where the pool excludes nothing.
func (p *Pool) ExcludeData(dst []byte, delegated *[16]byte) []byte {
	excluded, ok := p.Excluded(delegated)
	if !ok {
		return dst
	}
	return wire.PrefixExclude(dst, *delegated, p.Range.Length(), excluded.Addr().As16(), p.Cut.Length)
}

// LinksAt lists the links that an address may be on: of a relay, as a link-address, or of a client (RFC 9915, Section 13.1).
func (p *Policy) LinksAt(addr *[16]byte) (links []int) {
	for i := range p.Links {
		if l := &p.Links[i]; l.Appropriate(addr) || l.delegable.find(address.FromBytes(*addr)) >= 0 {
			links = append(links, i)
		}
	}
	return links
}

// LinkOf is the link that a lease is on, by pools, prefixes and reservations of any node; -1: none has it.
func (p *Policy) LinkOf(kind wire.Kind, addr *[16]byte, length uint8) int {
	if pool := p.PoolOf(kind, addr, length); pool != nil {
		return pool.Link
	}
	for i := range p.Links {
		if l := &p.Links[i]; kind != wire.IAPD && l.Appropriate(addr) || kind == wire.IAPD && l.AppropriatePrefix(addr, length) {
			return i
		}
	}
	if kind == wire.Registered {
		return p.linkOfRegistered(addr)
	}
	return -1
}

// LengthDistance orders prefix lengths by how they suit a hint: the length itself, then shorter ones, the closest first, then longer
// ones (RFC 8168, Section 3.2).
func LengthDistance(length, hint uint8) int {
	if length <= hint {
		return int(hint - length)
	}
	return int(length) // longer than the hint, so beyond all that are shorter
}
