package policy

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"slices"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Reservation's client is found by one of these keys, in this order.
type reservations struct {
	list       []Reservation
	duid       map[string]*Reservation
	hardware   map[string]*Reservation
	remote     map[string]*Reservation // enterprise number and value
	remoteAny  map[string]*Reservation // value
	subscriber map[string]*Reservation
	port       map[string]*Reservation // Interface-ID

	addresses map[[16]byte]*Reservation
	prefixes  []reservedPrefix // sorted, and none overlaps another
}

type reservedPrefix struct {
	first, last address.U128
	length      uint8
	holder      *Reservation
}

func (p *reservedPrefix) prefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom16(p.first.Bytes()), int(p.length))
}

// A Lease is an address (length 128) or a delegated prefix.
type Lease struct {
	Address [16]byte
	Length  uint8
}

// Reservation finds what is reserved on the link for the client of a message, or nil: by its DUID; by its hardware
// address; by the Remote-ID, then the Subscriber-ID, then the Interface-ID that a relay added, the relay nearest to the client first.
// The hardware address is what that relay saw (RFC 6939, Section 6) before what the client put into its DUID.
func (l *Link) Reservation(pkt *wire.Packet) *Reservation {
	r := &l.reservations
	if len(r.list) == 0 {
		return nil
	}
	if found := r.duid[string(pkt.Message.ClientID)]; found != nil {
		return found
	}
	if len(r.hardware) > 0 {
		if found := r.hardware[string(pkt.HardwareAddress())]; found != nil {
			return found
		}
	}
	if len(r.remote)+len(r.remoteAny) > 0 {
		if found := r.byRemoteID(pkt); found != nil {
			return found
		}
	}
	if len(r.subscriber) > 0 {
		for i := range pkt.RelayCount {
			if found := r.subscriber[string(inward(pkt, i).SubscriberID)]; found != nil {
				return found
			}
		}
	}
	if len(r.port) > 0 {
		for i := range pkt.RelayCount {
			if found := r.port[string(inward(pkt, i).InterfaceID)]; found != nil {
				return found
			}
		}
	}
	return nil
}

// Reserves tells whether anything is reserved on the link, and whether that is for clients known by more than their DUID: then
// Reservation asks what the relays added.
func (l *Link) Reserves() (anything, byRelay bool) {
	r := &l.reservations
	return len(r.list) > 0, len(r.list) > len(r.duid)
}

func (r *reservations) byRemoteID(pkt *wire.Packet) *Reservation {
	for i := range pkt.RelayCount {
		id := inward(pkt, i).RemoteID
		if len(id) < 4 {
			continue
		}
		if found := r.remote[string(id)]; found != nil {
			return found
		}
		if found := r.remoteAny[string(id[4:])]; found != nil {
			return found
		}
	}
	return nil
}

// Reserved finds for whom a lease is reserved on the link, or nil: an address (length 128), or a prefix that is,
// contains, or lies in a reserved one.
func (l *Link) Reserved(addr *[16]byte, length uint8) *Reservation {
	r := &l.reservations
	if length == 128 {
		return r.addresses[*addr]
	}
	if len(r.prefixes) == 0 {
		return nil
	}
	first := address.FromBytes(*addr)
	last := endOf(first, length)
	low, high := 0, len(r.prefixes)
	for low < high {
		middle := int(uint(low+high) >> 1)
		if last.Less(r.prefixes[middle].first) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	if low == 0 || r.prefixes[low-1].last.Less(first) {
		return nil
	}
	return r.prefixes[low-1].holder
}

// ReservedLeases are all leases that are reserved on the link.
func (l *Link) ReservedLeases() iter.Seq2[Lease, wire.Kind] {
	return func(yield func(Lease, wire.Kind) bool) {
		for addr := range l.reservations.addresses {
			if !yield(Lease{addr, 128}, wire.IANA) {
				return
			}
		}
		for i := range l.reservations.prefixes {
			p := &l.reservations.prefixes[i]
			if !yield(Lease{p.first.Bytes(), p.length}, wire.IAPD) {
				return
			}
		}
	}
}

// reservations compiles the reservations of a link. What is reserved is on the link though no pool has it.
func (c *compiler) reservations(l *Link, from *config.Link, path string) {
	r := &l.reservations
	*r = reservations{
		list:       make([]Reservation, len(from.Reservations)),
		duid:       make(map[string]*Reservation),
		hardware:   make(map[string]*Reservation),
		remote:     make(map[string]*Reservation),
		remoteAny:  make(map[string]*Reservation),
		subscriber: make(map[string]*Reservation),
		port:       make(map[string]*Reservation),
		addresses:  make(map[[16]byte]*Reservation),
	}
	for i := range from.Reservations {
		res, to := &from.Reservations[i], &r.list[i]
		field := fmt.Sprintf("%s.reservations[%d]", path, i)
		to.Index = i
		to.Prefixes, to.Hostname = res.Prefixes, res.Hostname
		keys, key := r.keyOf(res)
		if twin := keys[key]; twin != nil {
			c.fault(field, fmt.Sprintf("the same client has reservation %d of this link", twin.Index), "join the two")
		}
		keys[key] = to
		c.reservedOptions(to, res, l, field)
		for _, addr := range res.Addresses {
			a := addr.As16()
			if twin := r.addresses[a]; twin != nil {
				c.fault(field, fmt.Sprintf("%s belongs to reservation %d already", addr, twin.Index), "give it to one client")
			}
			r.addresses[a] = to
			to.Addresses = append(to.Addresses, a)
			l.OnLink = append(l.OnLink, netip.PrefixFrom(addr, 128))
		}
		for _, prefix := range res.Prefixes {
			s := spanOf(prefix, 0)
			r.prefixes = append(r.prefixes, reservedPrefix{s.first, s.last, uint8(prefix.Bits()), to})
			l.Delegable = append(l.Delegable, prefix)
		}
	}
	slices.SortFunc(r.prefixes, func(a, b reservedPrefix) int {
		return cmp.Or(a.first.Cmp(b.first), cmp.Compare(a.length, b.length))
	})
	for i := 1; i < len(r.prefixes); i++ {
		if a, b := &r.prefixes[i-1], &r.prefixes[i]; !a.last.Less(b.first) {
			c.fault(fmt.Sprintf("%s.reservations[%d]", path, b.holder.Index),
				fmt.Sprintf("%s overlaps a prefix of reservation %d", b.prefix(), a.holder.Index), "give it to one client")
		}
	}
}

// reservedOptions compiles a reservation's options and boot files. A boot file among the options comes before all that boot says further up.
func (c *compiler) reservedOptions(to *Reservation, from *config.Reservation, l *Link, field string) {
	if len(from.Options)+len(from.Boot) == 0 {
		return
	}
	options, boot := c.options(field+".options", from.Options, l.Options), bootLists(from.Boot)
	options.boot = boot
	if !slices.ContainsFunc(from.Options, func(o config.Option) bool { return o.Code == wire.OptionBootFileURL }) {
		options.boot = slices.Concat(boot, l.Options.boot)
	}
	to.Options = &options
	if len(c.p.Classes.Optioned) > 0 || l.PoolOptions {
		own := c.options(field+".options", from.Options, Options{})
		own.boot = boot
		to.Own = &own
	}
}

// keyOf is the map that a reservation belongs into, and its key there.
func (r *reservations) keyOf(res *config.Reservation) (keys map[string]*Reservation, key string) {
	switch {
	case res.DUID != nil:
		return r.duid, string(res.DUID)
	case res.Hardware != nil:
		return r.hardware, string(res.Hardware)
	case res.RemoteID != nil && res.RemoteID.AnyEnterprise:
		return r.remoteAny, string(res.RemoteID.Value)
	case res.RemoteID != nil:
		enterprise := binary.BigEndian.AppendUint32(nil, res.RemoteID.Enterprise)
		return r.remote, string(append(enterprise, res.RemoteID.Value...))
	case res.InterfaceID != nil:
		return r.port, string(res.InterfaceID)
	default:
		return r.subscriber, string(res.SubscriberID)
	}
}
