package engine_test

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A client of the world. It sends whatever a client may send, reasonable or not, and takes only the answer to its last
// message, as its transaction-id says (RFC 9915, Section 16.1).
type client struct {
	duid  []byte
	ias   []clientIA
	xid   uint32
	waits bool   // for an answer that is on its way
	last  []byte // its last message, if a copy of it does no harm
}

type clientIA struct {
	kind wire.Kind
	iaid uint32
	last binding.Key // the lease that it was told of last; zero: none yet
}

func newClient(rng *rand.Rand, number int) *client {
	c := &client{duid: binary.BigEndian.AppendUint64([]byte{0, 3, 0, 1}, uint64(number+1))[:]}
	c.duid = append(c.duid[:4], c.duid[6:]...)
	for i := range 1 + rng.IntN(3) {
		c.ias = append(c.ias, clientIA{kind: wire.Kind(1 + rng.IntN(2)), iaid: uint32(i / 2)})
	}
	return c
}

// speak makes the client's next message. A lease that it gives up it doesn't use from now on.
func (c *client) speak(w *world) []byte {
	c.xid++
	types := []wire.MessageType{
		wire.Solicit, wire.Solicit, wire.Request, wire.Request, wire.Request, wire.Renew, wire.Renew, wire.Rebind,
		wire.Release, wire.Decline, wire.Confirm, wire.InformationRequest,
	}
	t := types[w.rng.IntN(len(types))]
	m := wire.AppendHeader(nil, t, [3]byte{byte(c.xid >> 16), byte(c.xid >> 8), byte(c.xid)})
	m = wire.AppendOption(m, wire.OptionClientID, c.duid)
	switch t {
	case wire.Request, wire.Renew, wire.Release, wire.Decline:
		m = wire.AppendOption(m, wire.OptionServerID, singleDUID)
	}
	if w.rng.IntN(3) == 0 {
		m = wire.AppendOption(m, wire.OptionORO, []byte{0, 23, 0, 67})
	}
	if t == wire.Solicit && w.rng.IntN(3) == 0 {
		m = wire.AppendOption(m, wire.OptionRapidCommit, nil)
	}
	if t == wire.InformationRequest {
		return m
	}
	for i := range c.ias {
		if w.rng.IntN(5) != 0 {
			m = c.appendIA(m, &c.ias[i], t, w)
		}
	}
	// A copy of a Release that comes late ends what the client got since; no server can tell.
	if t != wire.Release && t != wire.Decline {
		c.last = m
	}
	return m
}

// appendIA appends an IA with what the client wishes or has: nothing, its lease, another client's, or nonsense.
func (c *client) appendIA(m []byte, ia *clientIA, t wire.MessageType, w *world) []byte {
	w.Lock()
	defer w.Unlock()
	m, mark := wire.OpenIA(m, ia.kind, ia.iaid)
	for range 1 + w.rng.IntN(2) {
		key := ia.last
		switch n := w.rng.IntN(10); {
		case n == 0 && len(w.holdings) > 0:
			key = w.holdings[w.rng.IntN(len(w.holdings))].key
		case n == 1:
			key = keyOf(netip.MustParsePrefix("2001:db8:ffff::/56"))
		case n == 2:
			key = binding.Key{Length: uint8(40 + w.rng.IntN(30))}
		}
		if t == wire.Release || t == wire.Decline && ia.kind == wire.IANA {
			w.drop(c, ia, &key)
		}
		if ia.kind == wire.IANA {
			m = wire.AppendIAAddress(m, &key.Address, 0, 0)
		} else if key.Length <= 128 {
			m = wire.AppendIAPrefix(m, &key.Address, key.Length, 0, 0, nil)
		}
	}
	return wire.CloseOption(m, mark)
}

func keyOf(p netip.Prefix) binding.Key {
	return binding.Key{Address: p.Addr().As16(), Length: uint8(p.Bits())}
}

func directInput(message []byte) *engine.Input {
	return &engine.Input{Data: message, Source: netip.MustParseAddr("fe80::1").As16(), SourcePort: wire.ClientPort, Multicast: true, Listen: 1}
}

// drop ends a holding of the client.
func (w *world) drop(c *client, ia *clientIA, key *binding.Key) {
	kept := w.holdings[:0]
	for _, h := range w.holdings {
		if h.client != c || h.kind != ia.kind || h.iaid != ia.iaid || h.key != *key {
			kept = append(kept, h)
		}
	}
	w.holdings = kept
}

// deliver gives a reply to its client and checks all that it says. f is the flight whose write it waited for.
func (w *world) deliver(a answer, f *flight) {
	a.client.waits = false
	w.Lock()
	defer w.Unlock()
	if err := checkReply(a.sent, a.reply, a.policy.ServerID); err != nil {
		w.fault("%v", err)
		return
	}
	advertise := a.kind(w.t) == wire.Advertise
	for _, l := range allLeases(w.t, a.reply) {
		if l.valid == 0 {
			if a.xid == a.client.xid {
				w.drop(a.client, &clientIA{kind: l.kind, iaid: l.iaid}, &l.key)
			}
			continue
		}
		w.checkAllowed(a, &l)
		if advertise {
			w.stats.advertises++
			continue
		}
		if w.checkDurable(a, &l, f); a.xid == a.client.xid {
			w.hold(a, &l)
		}
	}
}

// checkAllowed checks that the lease is on the link and nobody else's by configuration.
func (w *world) checkAllowed(a answer, l *lease) {
	link := &a.policy.Links[0]
	onLink := link.Appropriate(&l.key.Address)
	if l.kind == wire.IAPD {
		onLink = link.AppropriatePrefix(&l.key.Address, l.key.Length)
	}
	if !onLink {
		w.fault("%v isn't on the link", l.key)
	}
	var pkt wire.Packet
	pkt.Message.ClientID = a.client.duid
	holder := link.Reserved(&l.key.Address, l.key.Length)
	if holder != nil && holder != link.Reservation(&pkt) {
		w.fault("%v is reserved for another client", l.key)
	}
	if pool := a.policy.PoolOf(l.kind, &l.key.Address, l.key.Length); pool != nil {
		if slot, _ := pool.Range.Slot(l.key.Address); !pool.Range.Usable(slot) {
			w.fault("%v is excluded", l.key)
		}
	} else if holder == nil && l.preferred > 0 {
		w.fault("%v is of no pool, and reserved for nobody", l.key)
	}
}

// checkDurable checks that what the reply's own batch wrote of the lease is on the disk. What it didn't write was there
// before: see checkSpared.
func (w *world) checkDurable(a answer, l *lease, f *flight) {
	if f == nil {
		return
	}
	forEachChange(w.t, f.changes, func(key binding.Key, version uint64, value []byte) {
		if w.says(a, l, key, value) && w.disk[key].version < version {
			w.fault("%v is reported before version %d is on the disk", key, version)
		}
	})
}

// checkSpared checks of a reply that has just been made that each lease in it that the batch didn't write is on the disk
// already, and lasts there as long as the client is told. Where workers run at once this one may have stood still since, while others moved the
// clock beyond that end: then the disk may say that the lease is gone, or another client's, and rightly so.
func (w *world) checkSpared(a answer, durable bool, changes []byte) {
	w.Lock()
	defer w.Unlock()
	for _, l := range allLeases(w.t, a.reply) {
		written := false
		forEachChange(w.t, changes, func(key binding.Key, _ uint64, value []byte) {
			written = written || durable && w.says(a, &l, key, value)
		})
		if written || l.valid == 0 {
			continue
		}
		w.stats.spared++
		s, err := binding.DecodeValue(binding.AppendKey(nil, &l.key), w.disk[l.key].value)
		told := a.at.Add(l.valid)
		if told > w.time() && (err != nil || !w.says(a, &l, s.Key, w.disk[l.key].value) || s.Expires < told) {
			w.fault("%v is reported until %d and not written; the disk has %+v, %v", l.key, told-start, s, err)
		}
	}
}

// says tells whether a change binds the lease to the client of the answer.
func (w *world) says(a answer, l *lease, key binding.Key, value []byte) bool {
	if key != l.key {
		return false
	}
	s, err := binding.DecodeValue(binding.AppendKey(nil, &key), value)
	if err != nil {
		w.fault("%v", err)
	}
	return !s.Removed && string(s.DUID) == string(a.client.duid) && s.Kind == l.kind && s.IAID == l.iaid
}

// hold notes what the client has, and that nobody else has any of it at the same time.
func (w *world) hold(a answer, l *lease) {
	w.stats.grants++
	fresh := holding{a.client, l.kind, l.iaid, l.key, a.from, a.at.Add(l.valid)}
	kept := w.holdings[:0]
	for _, h := range w.holdings {
		own := h.client == a.client && h.kind == l.kind && h.iaid == l.iaid
		together := h.from < fresh.expires && fresh.from < h.expires
		switch {
		case own && h.key == l.key && together:
			w.stats.again++
			fresh.from, fresh.expires = min(h.from, fresh.from), max(h.expires, fresh.expires)
			continue
		case !together || own:
		case h.client != a.client && overlap(&h.key, &l.key):
			w.fault("clients %x and %x both have %v and %v: %d to %d, %d to %d", h.client.duid, a.client.duid,
				h.key, l.key, h.from-start, h.expires-start, fresh.from-start, fresh.expires-start)
		case h.key == l.key:
			w.fault("two IAs of client %x both have %v", a.client.duid, l.key)
		}
		// A reply that was granted earlier may still be on its way.
		if h.expires+10000 > w.now {
			kept = append(kept, h)
		}
	}
	w.holdings = append(kept, fresh)
	for i := range a.client.ias {
		if ia := &a.client.ias[i]; ia.kind == l.kind && ia.iaid == l.iaid {
			ia.last = l.key
		}
	}
}

func overlap(a, b *binding.Key) bool {
	bits := 128 - min(a.Length, b.Length)
	return address.FromBytes(a.Address).Rsh(uint(bits)) == address.FromBytes(b.Address).Rsh(uint(bits))
}
