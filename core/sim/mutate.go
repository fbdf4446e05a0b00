package sim

import (
	"bytes"
	"encoding/binary"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/wire"
)

// forget removes a binding behind everybody's back.
func (n *node) forget() {
	if n.Mutation != Forgets {
		return
	}
	n.handle.Enter()
	defer n.handle.Leave()
	for shard := range n.table.Shards() {
		n.handle.Range(shard, func(r *binding.Record) bool {
			if n.rng.IntN(4) == 0 && r.Kind() == wire.IAPD {
				key, kind := r.Key(), r.Kind()
				n.handle.Remove(r)
				n.site.Put(&key, kind)
			}
			return true
		})
	}
}

// mutate does to the table what a broken node would do for a message, before the engine sees it, and returns the changes.
func (n *node) mutate(d *datagram) (out []change) {
	m := &n.ledger.asked.Message
	if n.Mutation != Believes || n.ledger.asked.Parse(d.data) != wire.DropNone ||
		m.Type != wire.Release || !bytes.Equal(m.ServerID, n.policy.ServerID) {
		return nil
	}
	n.handle.Enter()
	defer n.handle.Leave()
	for i := range m.IACount {
		ia := &m.IAs[i]
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			r := n.handle.Find(&binding.Key{Address: lease.Address, Length: lease.Length})
			if r == nil || r.Belongs(m.ClientID, ia.Kind, ia.IAID) {
				continue
			}
			key, kind := r.Key(), r.Kind()
			out = append(out, n.changes(binding.AppendRemoval(nil, &key, binding.RemovalVersion(r)))...)
			n.handle.Remove(r)
			n.site.Put(&key, kind)
		}
	}
	return out
}

// rewrite makes of an engine's reply what a broken node would say.
func (n *node) rewrite(r *reply) {
	if n.Mutation == Sound || n.ledger.asked.Parse(r.to.data) != wire.DropNone {
		return
	}
	m := &n.ledger.asked.Message
	switch {
	case n.Mutation == Talks && m.Type != wire.Solicit:
		r.data = nil
	case n.Mutation == Shirks && m.Type == wire.Renew && r.data != nil:
		n.shirk(r, m)
	case n.Mutation == Zeroes && m.Type == wire.Rebind:
		n.zero(r, m)
	case n.Mutation == Flatters && len(r.changes) == 0 && r.data != nil:
		r.flatter()
	case n.Mutation == FirstFree && r.data != nil && m.Type == wire.Solicit:
		n.firstFree(r)
	}
}

// shirk leaves all IAs out of a Reply.
func (n *node) shirk(r *reply, m *wire.Message) {
	b, marks := wire.OpenRelays(nil, &n.ledger.asked)
	b = openMessage(b, wire.Reply, m.TransactionID, m.ClientID, n.policy.ServerID, 0)
	r.data = wire.CloseRelays(b, marks)
}

// zero answers a Rebind by withdrawing what the node has no record of.
func (n *node) zero(r *reply, m *wire.Message) {
	b, marks := wire.OpenRelays(nil, &n.ledger.asked)
	b = openMessage(b, wire.Reply, m.TransactionID, m.ClientID, n.policy.ServerID, 0)
	unknown := false
	for i := range m.IACount {
		ia := &m.IAs[i]
		var keys []binding.Key
		for lease, rest, ok := ia.NextLease(ia.Options); ok; lease, rest, ok = ia.NextLease(rest) {
			key := binding.Key{Address: lease.Address, Length: lease.Length}
			if n.memory.claims[key].state == 0 {
				keys = append(keys, key)
				unknown = true
			}
		}
		b = appendIA(b, ia.Kind, ia.IAID, keys)
	}
	if unknown {
		r.data = wire.CloseRelays(b, marks)
	}
}

// flatter puts whole lifetimes in the place of what is left of them.
func (r *reply) flatter() {
	a := readAnswer(innermost(r.data))
	for i := range a.ias {
		for _, o := range a.ias[i].leases {
			var told, whole []byte
			for _, pair := range [...][2]uint32{{o.preferred, preferredLifetime}, {o.valid, validLifetime}} {
				told, whole = binary.BigEndian.AppendUint32(told, pair[0]), binary.BigEndian.AppendUint32(whole, pair[1])
			}
			if o.valid > 0 {
				r.data = bytes.ReplaceAll(r.data, told, whole)
			}
		}
	}
}

// firstFree puts the first free lease of the pool in the place of each that an Advertise offers.
func (n *node) firstFree(r *reply) {
	a := readAnswer(innermost(r.data))
	if a == nil || a.kind != wire.Advertise {
		return
	}
	for i := range a.ias {
		pool := onlyPool(n.policy, n.relays[r.to.relay].link, a.ias[i].kind)
		slot := address.U128{Lo: 1}
		for ; ; slot.Lo++ {
			key := binding.Key{Address: pool.Range.Lease(slot), Length: pool.Range.Length()}
			if n.memory.claims[key].state == 0 {
				break
			}
		}
		first := pool.Range.Lease(slot)
		for _, o := range a.ias[i].leases {
			r.data = bytes.ReplaceAll(r.data, o.key.Address[:], first[:])
		}
	}
}
