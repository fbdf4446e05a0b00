package upkeep

import (
	"bytes"
	"slices"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/naming"
	"github.com/lockstep6/lockstep6/core/wire"
)

// forward compares the AAAA and DHCID records of one name with the leases under it.
func (a *Audit) forward(found []Difference, zone int, name naming.Name, there []record, leases []*lease) []Difference {
	owners, addresses := ofType(there, TypeDHCID), ofType(there, TypeAAAA)
	for _, l := range leases {
		if l.may || !l.r.Forward && a.settings.TakeOver {
			continue // with TakeOver nobody asks whose name a PTR record points to
		}
		d := Difference{Zone: zone, Name: name, Type: TypeAAAA, Data: l.r.Key.Address[:], Lease: l.r.Key, Repair: again(l)}
		if !l.r.Forward {
			d.Type = TypePTR
		}
		ours, shared := naming.DHCID(l.duid, name), false
		switch {
		case len(there) > 0 && len(owners) == 0:
			l.conflict, d.Kind, d.Data = true, InTheWay, nil
		case len(there) > 0 && !has(owners, ours[:]):
			l.conflict, d.Kind, d.Type, d.Data = true, ForeignName, TypeDHCID, owners[0].data
			shared = slices.ContainsFunc(leases, func(l *lease) bool { return mine(l, d.Data) })
		case !l.r.Forward || has(addresses, d.Data):
			continue
		}
		if l.conflict && (!l.r.Forward || shared || !a.settings.TakeOver) { // of two clients none takes it back from the other
			d.Repair = nil
		}
		found = append(found, d)
	}
	for _, r := range addresses {
		found = a.address(found, &r, owners, leases)
	}
	if len(owners) == 0 || len(there) > len(owners) || slices.ContainsFunc(leases, func(l *lease) bool { return l.kind == wire.IANA && mine(l, owners[0].data) }) {
		return found
	}
	d := Difference{Kind: Abandoned, Zone: zone, Name: name, Type: TypeDHCID, Data: owners[0].data}
	d.Repair = removal(binding.Key{}, wire.IANA, naming.FlagS, name, d.Data)
	return append(found, d)
}

// address looks at an AAAA record of a name with these DHCIDs and leases.
func (a *Audit) address(found []Difference, r *record, owners []record, leases []*lease) []Difference {
	if len(r.data) != 16 {
		return found
	}
	d := Difference{
		Kind: HandMade, Zone: r.zone, Name: r.name, Type: TypeAAAA, Data: r.data, Lease: binding.Key{Address: [16]byte(r.data), Length: 128},
	}
	ours := a.pools(&d.Lease)
	switch {
	case slices.ContainsFunc(leases, func(l *lease) bool { return l.r.Key == d.Lease && (!l.conflict || !l.r.Forward && len(owners) == 0) }):
		return found
	case bytes.Equal(a.untold[d.Lease], r.name):
		return found
	case ours && len(owners) > 0:
		d.Kind = Abandoned
		d.Repair = removal(d.Lease, wire.IANA, naming.FlagS, r.name, owners[0].data)
	case !ours && len(owners) == 0:
		return found // of no concern
	}
	return append(found, d)
}

// learn finds the names that living clients have in DNS and that this node doesn't know: they told them another node, and haven't said them
// again where this one heard it. A name is a client's by its DHCID. Those records aren't abandoned, and what the peer's lease would have
// without that name isn't missing.
func (a *Audit) learn() {
	a.each(nil, func(_ int, name naming.Name, there []record, _ []*lease) {
		owners := ofType(there, TypeDHCID)
		for _, r := range ofType(there, TypeAAAA) {
			if len(r.data) != 16 || len(owners) == 0 {
				continue
			}
			key := binding.Key{Address: [16]byte(r.data), Length: 128}
			if b, known := a.world.Lease(&key); known && a.untoldTo(&b) && !bytes.Equal(Named(&b).Name(), name) {
				if ours := naming.DHCID(owner(&b), name); has(owners, ours[:]) {
					a.untold[key] = name
				}
			}
		}
	})
	for i := range a.leases {
		l := &a.leases[i]
		l.may = l.may || a.untold[l.r.Key] != nil
	}
}

// untoldTo tells whether a living lease may have another name than this node knows: it has none, or it is a peer's and the name is made, as
// it is where the client said none.
func (a *Audit) untoldTo(b *binding.Stored) bool {
	name := Named(b).Name()
	return living(b, a.now) && (name == nil || b.Owner != self && name.MadeOf(&b.Key.Address))
}

// reverse compares the PTR records of one name with the leases that it is the reverse name of.
func (a *Audit) reverse(found []Difference, zone int, name naming.Name, there []record, leases []*lease) []Difference {
	there = ofType(there, TypePTR)
	for _, l := range leases {
		if l.may || l.conflict {
			continue
		}
		d := Difference{Zone: zone, Name: name, Type: TypePTR, Data: l.name, Lease: l.r.Key, Repair: again(l)}
		if !has(there, l.name) {
			found = append(found, d)
		}
		for _, r := range there {
			if !pointsTo(leases, r.data) {
				d.Kind, d.Data = WrongTarget, r.data
				found = append(found, d)
			}
		}
		return found
	}
	addr, bits, wildcard, ok := naming.ParseReverse(name)
	d := Difference{Kind: Abandoned, Zone: zone, Name: name, Type: TypePTR, Lease: binding.Key{Address: addr, Length: bits}}
	if !ok || wildcard == (bits == 128) || bits == 0 || !a.pools(&d.Lease) {
		return found
	}
	kind := wire.IANA
	if wildcard {
		kind = wire.IAPD
	}
	for _, r := range there {
		if target := naming.Kept(append([]byte{0}, r.data...)).Name(); target != nil && !a.stands(leases, r.data) && !bytes.Equal(a.untold[d.Lease], target) {
			d.Data, d.Repair = r.data, removal(d.Lease, kind, 0, target, nil)
			found = append(found, d)
		}
	}
	return found
}

// stands tells whether a lease's PTR record to a target may stay: it is the lease's name, and not another client's.
func (a *Audit) stands(leases []*lease, target []byte) bool {
	return slices.ContainsFunc(leases, func(l *lease) bool {
		return bytes.Equal(l.name, target) && (!l.conflict || a.settings.TakeOver)
	})
}

func pointsTo(leases []*lease, target []byte) bool {
	return slices.ContainsFunc(leases, func(l *lease) bool { return bytes.Equal(l.name, target) })
}

// mine tells whether a name's DHCID is that of the lease's client.
func mine(l *lease, dhcid []byte) bool {
	data := naming.DHCID(l.duid, l.name)
	return bytes.Equal(data[:], dhcid)
}

func ofType(records []record, kind RRType) []record {
	first := slices.IndexFunc(records, func(r record) bool { return r.kind == kind })
	if first < 0 {
		return nil
	}
	end := first
	for end < len(records) && records[end].kind == kind {
		end++
	}
	return records[first:end]
}

func has(records []record, data []byte) bool {
	return slices.ContainsFunc(records, func(r record) bool { return bytes.Equal(r.data, data) })
}

// again is the task to look at a lease once more, whosever it is.
func again(l *lease) *Task { return &Task{Key: l.r.Key, Repair: true} }

// removal is the task to remove what DNS holds of a lease under a name, if the lease isn't somebody's under that name.
func removal(key binding.Key, kind wire.Kind, flags naming.Flags, name naming.Name, dhcid []byte) *Task {
	return &Task{Key: key, Repair: true, DHCID: dhcid, Before: binding.Stored{
		Key: key, State: binding.Bound, Kind: kind,
		Extension: binding.AppendExtension(nil, binding.ExtFQDN, append([]byte{byte(flags)}, name...)),
	}}
}
