package takeover

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/insomniacslk/dhcp/dhcpv6"
)

// A Verdict is what became of a client.
type Verdict struct {
	Silent bool // nobody answered
	Sent   int  // how often it sent its Rebind until it was answered
	Leases [kinds]Fate
}

// A Fate is what a Reply does to one of a client's leases. Neither of these: the Reply leaves it out.
type Fate struct {
	Kept      bool   // it may be used on
	Withdrawn bool   // its lifetimes are 0
	Other     bool   // another lease is given
	Status    string // the IA's, unless it is Success
}

// judge holds a Reply against what the client had; nil: nobody answered.
func judge(reply *dhcpv6.Message, sent int, had [kinds]netip.Prefix) Verdict {
	if reply == nil {
		return Verdict{Silent: true}
	}
	v := Verdict{Sent: sent}
	for kind, status := range statuses(reply) {
		if status != nil && status.StatusCode != 0 {
			v.Leases[kind].Status = status.StatusCode.String()
		}
	}
	for _, l := range told(reply) {
		f := &v.Leases[l.kind]
		switch {
		case l.lease != had[l.kind]:
			f.Other = f.Other || l.valid > 0
		case l.valid > 0:
			f.Kept = true
		default:
			f.Withdrawn = true
		}
	}
	return v
}

// String is a Verdict in words, for the raw results.
func (v Verdict) String() string {
	if v.Silent {
		return "no answer"
	}
	return "address " + v.Leases[anAddress].String() + "; prefix " + v.Leases[aPrefix].String()
}

// String is a Fate in words.
func (f Fate) String() string {
	var words []string
	for _, w := range []struct {
		is   bool
		word string
	}{{f.Kept, "kept"}, {f.Withdrawn, "withdrawn with lifetimes 0"}, {f.Other, "another one given"}, {f.Status != "", f.Status}} {
		if w.is {
			words = append(words, w.word)
		}
	}
	if len(words) == 0 {
		return "left out"
	}
	return strings.Join(words, ", ")
}

// A lease that a server tells a client of.
type toldLease struct {
	kind  int
	lease netip.Prefix
	valid time.Duration
}

// told lists the leases in a message's IAs.
func told(m *dhcpv6.Message) (all []toldLease) {
	for _, na := range m.Options.IANA() {
		for _, a := range na.Options.Addresses() {
			if ip, ok := netip.AddrFromSlice(a.IPv6Addr); ok {
				all = append(all, toldLease{anAddress, netip.PrefixFrom(ip, 128), a.ValidLifetime})
			}
		}
	}
	for _, pd := range m.Options.IAPD() {
		for _, p := range pd.Options.Prefixes() {
			if p.Prefix == nil {
				continue // the prefix ::/0, which is none
			}
			ip, _ := netip.AddrFromSlice(p.Prefix.IP)
			bits, _ := p.Prefix.Mask.Size()
			all = append(all, toldLease{aPrefix, netip.PrefixFrom(ip, bits), p.ValidLifetime})
		}
	}
	return all
}

// statuses are those of the message's IAs, by kind; nil: none.
func statuses(m *dhcpv6.Message) (all [kinds]*dhcpv6.OptStatusCode) {
	if na := m.Options.OneIANA(); na != nil {
		all[anAddress] = na.Options.Status()
	}
	if pd := m.Options.OneIAPD(); pd != nil {
		all[aPrefix] = pd.Options.Status()
	}
	return all
}

// granted are the leases of a message that may be used, the first of each kind.
func granted(m *dhcpv6.Message) (leases [kinds]netip.Prefix) {
	for _, l := range told(m) {
		if l.valid > 0 && !leases[l.kind].IsValid() {
			leases[l.kind] = l.lease
		}
	}
	return leases
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), 128)}
}
