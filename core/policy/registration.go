package policy

import (
	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// A Registration is what a link registers of the addresses that clients give themselves (RFC 9686).
type Registration struct {
	PerClient int // how many one client may have

	prefixes table // that are on the link, beside Link.OnLink
}

// registration compiles a link's. Clients learn that there is one by an option without content, if they ask for it
// (RFC 9686, Section 4.1). The link's options must be compiled, and its reservations' not yet.
func (l *Link) registration(from *config.Registration) {
	if from == nil {
		return
	}
	l.Registration = &Registration{PerClient: from.PerClient, prefixes: prefixTable(disjoint(from.Prefixes))}
	l.Options.insert(option{code: wire.OptionAddrRegEnable, askable: true, encoded: wire.AppendOption(nil, wire.OptionAddrRegEnable, nil)})
}

// insert adds an option that the set hasn't got.
func (o *Options) insert(opt option) {
	at := 0
	for at < len(o.list) && o.list[at].code < opt.code {
		at++
	}
	o.list = append(o.list[:at:at], append([]option{opt}, o.list[at:]...)...)
	o.filter |= 1 << (opt.code % 64)
}

// Registers tells whether an address is one that a host on the link can give itself: by a prefix that is on the link. The link must
// register addresses.
func (l *Link) Registers(addr *[16]byte) bool {
	return l.Appropriate(addr) || l.Registration.prefixes.find(address.FromBytes(*addr)) >= 0
}

// Around is the delegable prefix of one of the link's pools, of any node, that an address lies in; ok is false where no pool has
// one.
func (l *Link) Around(addr *[16]byte) (prefix [16]byte, length uint8, ok bool) {
	at := l.leases[kindIndex(wire.IAPD)].find(address.FromBytes(*addr))
	if at < 0 {
		return prefix, 0, false
	}
	length = l.pools[at].Range.Length()
	return startOf(address.FromBytes(*addr), length).Bytes(), length, true
}

// linkOfRegistered is the link that a registered address is on which lies on none by its other prefixes; -1: none has it.
func (p *Policy) linkOfRegistered(addr *[16]byte) int {
	for i := range p.Links {
		l := &p.Links[i]
		if l.Registration == nil {
			continue
		}
		if _, _, around := l.Around(addr); around || l.Registers(addr) {
			return i
		}
	}
	return -1
}
