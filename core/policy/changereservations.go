package policy

import (
	"fmt"
	"iter"
	"maps"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A reserved lease and whom it is for. An address has length 128.
type reservedLease struct {
	kind   wire.Kind
	lease  netip.Prefix
	client string
}

func (r *reservedLease) String() string {
	if r.kind == wire.IANA {
		return r.lease.Addr().String()
	}
	return r.lease.String()
}

// reservedLeases are all of a configuration's, by what they are called.
func reservedLeases(p *Policy) map[string]reservedLease {
	all := make(map[string]reservedLease)
	for i := range p.source.Links {
		for k := range p.source.Links[i].Reservations {
			r := &p.source.Links[i].Reservations[k]
			client := clientText(r)
			for _, addr := range r.Addresses {
				lease := reservedLease{wire.IANA, netip.PrefixFrom(addr, 128), client}
				all[lease.String()] = lease
			}
			for _, prefix := range r.Prefixes {
				lease := reservedLease{wire.IAPD, prefix.Masked(), client}
				all[lease.String()] = lease
			}
		}
	}
	return all
}

// NewlyReserved are the leases that a policy reserves, and the one before not or for another client.
func NewlyReserved(before, after *Policy) iter.Seq[Lease] {
	return func(yield func(Lease) bool) {
		old := reservedLeases(before)
		for name, lease := range reservedLeases(after) {
			if was, ok := old[name]; ok && was.client == lease.client {
				continue
			}
			if !yield(Lease{lease.lease.Addr().As16(), uint8(lease.lease.Bits())}) {
				return
			}
		}
	}
}

// clientText is whom a reservation is for.
func clientText(r *config.Reservation) string {
	return reservationText(&config.Reservation{DUID: r.DUID, Hardware: r.Hardware, RemoteID: r.RemoteID, SubscriberID: r.SubscriberID, InterfaceID: r.InterfaceID})
}

// shared tells whether nodes with that policy would give a reserved lease to others, if it weren't reserved, and two of them
// to two: where it lies in a dense pool and isn't excluded.
func (r *reservedLease) shared(p *Policy) bool {
	addr := r.lease.Addr().As16()
	id := p.leases[kindIndex(r.kind)].find(address.FromBytes(addr))
	if id < 0 || p.Pools[id].Sparse {
		return false
	}
	slot, ok := p.Pools[id].Range.Slot(addr)
	return ok && p.Pools[id].Range.Usable(slot)
}

// reservations compares who has which lease reserved.
func (d *differ) reservations() {
	old, is := reservedLeases(d.before), reservedLeases(d.after)
	var placed, unplaced, added, taken, removed, freed, moved []string
	for _, name := range slices.Sorted(maps.Keys(is)) {
		lease := is[name]
		was, ok := old[name]
		text := name + " for " + lease.client
		switch {
		case lease.client == nobody && !ok:
			placed = append(placed, name)
		case ok && was.client != lease.client:
			moved = append(moved, text+" (it was for "+was.client+")")
		case ok:
		case lease.shared(d.before):
			taken = append(taken, text)
		default:
			added = append(added, text)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		lease := old[name]
		text := name + " for " + lease.client
		_, ok := is[name]
		switch {
		case ok:
		case lease.client == nobody:
			unplaced = append(unplaced, name)
		case lease.shared(d.after):
			freed = append(freed, text)
		default:
			removed = append(removed, text)
		}
	}
	d.place(placed, unplaced)
	d.reserve(added, taken)
	d.unreserve(removed, freed)
	d.rereserve(moved)
	if len(placed)+len(unplaced)+len(added)+len(taken)+len(removed)+len(freed)+len(moved) == 0 {
		d.reordered()
	}
}

// nobody is the client that doesn't exist, as a reservation tells it.
var nobody = clientText(&config.Reservation{DUID: nobodysDUID})

// place compares what is reserved for nobody: it only says what is on the link.
func (d *differ) place(placed, unplaced []string) {
	if len(placed) > 0 {
		d.add(Change{What: "reserved for nobody: " + listed(placed), Effect: "it counts as the link's, and no node assigns it"})
	}
	if len(unplaced) > 0 {
		d.add(Change{What: "no longer reserved for nobody: " + listed(unplaced)})
	}
}

const (
	byReservation = "who has such a lease without its being reserved for it gets another one at its next Renew; until then the client of the reservation gets a dynamic one"
	pinning       = "the new file as it is, if the client of the reservation has the lease already: `lockstep6 leases show` tells it"
)

// reserve adds reservations; of those that are taken, somebody else may have the lease.
func (d *differ) reserve(added, taken []string) {
	if len(added) > 0 {
		d.add(Change{What: "reserved: " + listed(added),
			Effect: byReservation + "; a node with the old file may give it other leases"})
	}
	if len(taken) > 0 {
		d.add(Change{
			What:    "reserved: " + listed(taken),
			Effect:  byReservation,
			Hazard:  "nodes with the old file give such a lease to others, and a node may not know that another one has given it",
			Instead: pinning,
			Steps: []string{
				"On every node: the old file with these leases excluded",
				d.afterWait() + theNew,
			},
		})
	}
}

// unreserve removes reservations; those that are freed others can get now.
func (d *differ) unreserve(removed, freed []string) {
	if len(removed) > 0 {
		d.add(Change{What: "no longer reserved: " + listed(removed),
			Effect: "outside of the pools its client gets another lease at its next Renew, and the former one with lifetimes 0"})
	}
	if len(freed) > 0 {
		d.add(Change{
			What:   "no longer reserved: " + listed(freed),
			Effect: "it is assigned like the rest of the pool",
			Hazard: "nodes with the new file give such a lease to others while its client has it from another node",
			Steps: []string{
				"On every node: the new file with these leases excluded",
				d.afterWait() + theNew,
			},
		})
	}
}

func (d *differ) rereserve(moved []string) {
	if len(moved) == 0 {
		return
	}
	d.add(Change{
		What:    "reserved for another client: " + listed(moved),
		Effect:  byReservation,
		Hazard:  "nodes with the two files give the same lease to both",
		Instead: "the new file as it is, if both are one client that is named in another way",
		Steps: []string{
			"On every node: the old file without these reservations, and with the leases excluded where they lie in pools",
			d.afterWait() + theNew,
		},
	})
}

// reordered reports reservations that name the same leases for the same clients in another order. One without leases has none to order.
func (d *differ) reordered() {
	var what []string
	for _, pair := range d.links {
		if pair.before < 0 || pair.after < 0 {
			continue
		}
		was, is := withLeases(&d.before.source.Links[pair.before]), withLeases(&d.after.source.Links[pair.after])
		if n := len(without(is, was)); n > 0 {
			what = append(what, fmt.Sprintf("link %s (%d)", d.linkName(pair), n))
		}
	}
	if len(what) > 0 {
		d.add(Change{What: "reservations name their leases otherwise: " + listed(what),
			Effect: "a client takes the first of its reserved leases that is free"})
	}
}

// withLeases are the link's reservations of leases, in a line each.
func withLeases(l *config.Link) (lines []string) {
	for i := range l.Reservations {
		if r := &l.Reservations[i]; len(r.Addresses)+len(r.Prefixes) > 0 {
			lines = append(lines, reservationText(r))
		}
	}
	return lines
}
