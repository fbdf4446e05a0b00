package policy

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/lockstep6/lockstep6/core/address"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/wire"
)

// RuleVersion is the version of the rule of agreement. It changes with whatever changes a client's address
// under an unchanged configuration.
const RuleVersion = 1

// FingerprintText is what Fingerprint is the SHA-256 of: all that decides which lease a client gets, in lines that
// end with a line feed. Nodes that agree have the same text; where two nodes' fingerprints differ, the texts tell in
// what. It doesn't show the key, only its check.
//
//	rule 1
//	model identical                     or split, unique, single
//	hash xxh64                          or sha256
//	key 3f0c…                           the key's check, in hex
//	parts 3
//	node a duid 0004… parts 0 2         one line for each node, in the file's order; none for a single node
//	class 9d3c… duid starts 0002        the condition of a class that pools or links name, by its digest, or that such a class names
//	pool-names option 17 enterprise 6527 suboption 1 relay -1 address-pool      an option by which relays name pools; in the file's order
//	pool-names unknown ignore           where such a name counts for nothing
//	link                                one block for each link; blocks in the order of their text
//	 link-address 2001:db8:1::/64       the block's lines, sorted
//	 interface-id 706f7274              in hex
//	 identity hardware-address          by what clients are known, where it isn't by DUID and IAID
//	 relay-id 0003000102                in hex
//	 pool-name 676f6c64                 by which the link is found, in hex
//	 pool 2001:db8:8000::-2001:db8:80ff:ff00:: length 56 prefix 2001:db8:8000:: dense agree
//	 pool … node b                      first and last lease, hash prefix, and the node where it is one node's
//	 pool … retiring                    nobody gets new leases from it
//	 pool … only 9d3c… except 41b0…     classes, by their digests: whose members get leases, and whose don't
//	 pool … sequential                  gives the lowest free lease
//	 pool … place 0                     the pool's place among those of its kind in the file, where one of several is sequential
//	 pool … name 676f6c64 named-only    by which relays ask for it, where they can
//	 prefix-length 64                   the length that comes first, where one does
//	 exclude 2001:db8:1::1-2001:db8:1::1
//	 registers 32                       how many addresses a client may register, where it may
//	 registers 2001:db8:1::/64          a prefix of such addresses
//	 reservation duid 0003… 2001:db8:1::10 2001:db8:8000::/56
//
// A reservation's key is duid, hardware, remote-id (enterprise number or *, colon, value) or subscriber-id, values in
// hex, and its leases are in the file's order, which is the order of preference. Names of links and classes, local interfaces,
// lifetimes and options decide no address and don't enter, unless a condition names a link; nor do keys that are only accepted.
func (p *Policy) FingerprintText() string {
	var b strings.Builder
	fmt.Fprintf(&b, "rule %d\nmodel %s\nhash %s\nkey %x\nparts %d\n",
		RuleVersion, p.modelName(), p.Hasher.Algorithm(), p.Hasher.KeyCheck(), p.partCount())
	if !p.Single {
		for i := range p.Nodes {
			n := &p.Nodes[i]
			fmt.Fprintf(&b, "node %s duid %x parts%s\n", n.Name, n.ServerID, spaced(n.Parts))
		}
	}
	gates := newGateText(p.source)
	for _, class := range gates.deciding() {
		b.WriteString(class)
	}
	b.WriteString(namedText(p.source.Relays.NamedPools))
	links := make([]string, len(p.source.Links))
	for i := range links {
		lines := linkLines(&p.source.Links[i], gates, p.named != nil)
		slices.Sort(lines)
		links[i] = "link\n" + strings.Join(lines, "")
	}
	slices.Sort(links)
	for _, link := range links {
		b.WriteString(link)
	}
	return b.String()
}

func (p *Policy) modelName() string {
	if p.Single {
		return "single"
	}
	return [...]string{"identical", "split", "unique"}[p.Model]
}

func (p *Policy) partCount() int {
	if p.Single {
		return 1
	}
	return cmp.Or(p.source.Cluster.Parts, len(p.Nodes))
}

// linkLines are the lines of a link's block, each with its indent and line feed. Names of pools count where relays can name them.
func linkLines(l *config.Link, gates *gateText, named bool) (lines []string) {
	line := func(format string, arguments ...any) {
		lines = append(lines, " "+fmt.Sprintf(format, arguments...)+"\n")
	}
	for _, prefix := range l.LinkAddress {
		line("link-address %s", prefix.Masked())
	}
	for _, id := range l.InterfaceIDs {
		line("interface-id %x", id)
	}
	if l.PrefixLength != 0 {
		line("prefix-length %d", l.PrefixLength)
	}
	if l.Defaults.Identity != config.IdentityDUIDIAID {
		line("identity %s", l.Defaults.Identity)
	}
	for _, id := range l.RelayIDs {
		line("relay-id %x", id)
	}
	for _, name := range l.PoolNames {
		line("pool-name %x", name)
	}
	if !l.Gate.Open() {
		lines = append(lines, gates.gate(&l.Gate)+"\n")
	}
	for _, pools := range [][]config.Pool{l.Addresses, l.Prefixes} {
		ordered := len(pools) > 1 && slices.ContainsFunc(pools, sequential)
		for i := range pools {
			pool := &pools[i]
			rule := gates.gate(&pool.Gate)
			if sequential(*pool) {
				rule += " sequential"
			}
			if ordered {
				rule += fmt.Sprintf(" place %d", i)
			}
			for k := range pool.Ranges {
				r := &pool.Ranges[k]
				node := ""
				if r.Node != "" {
					node = " node " + r.Node
				}
				retiring := ""
				if pool.Retiring {
					retiring = " retiring"
				}
				last := startOf(address.FromBytes(r.Last), pool.Length).Bytes()
				line("pool %s length %d prefix %s dense %s%s%s%s%s", rangeText(r.First, last), pool.Length,
					netip.AddrFrom16(hashPrefix(r)), denseName(pool.Dense), node, retiring, rule, poolNameText(pool, named))
			}
			for _, e := range pool.Exclude {
				line("exclude %s", rangeText(e.First, e.Last))
			}
		}
	}
	if r := l.Registration; r != nil {
		line("registers %d", r.PerClient)
		for _, prefix := range r.Prefixes {
			line("registers %s", prefix.Masked())
		}
	}
	for i := range l.Reservations {
		line("reservation %s", reservationText(&l.Reservations[i]))
	}
	return lines
}

func reservationText(r *config.Reservation) string {
	var b strings.Builder
	switch {
	case r.DUID != nil:
		fmt.Fprintf(&b, "duid %x", r.DUID)
	case r.Hardware != nil:
		fmt.Fprintf(&b, "hardware %x", r.Hardware)
	case r.RemoteID != nil && r.RemoteID.AnyEnterprise:
		fmt.Fprintf(&b, "remote-id *:%x", r.RemoteID.Value)
	case r.RemoteID != nil:
		fmt.Fprintf(&b, "remote-id %d:%x", r.RemoteID.Enterprise, r.RemoteID.Value)
	case r.InterfaceID != nil:
		fmt.Fprintf(&b, "interface-id %x", r.InterfaceID)
	default:
		fmt.Fprintf(&b, "subscriber-id %x", r.SubscriberID)
	}
	for _, addr := range r.Addresses {
		fmt.Fprintf(&b, " %s", addr)
	}
	for _, prefix := range r.Prefixes {
		fmt.Fprintf(&b, " %s", prefix.Masked())
	}
	return b.String()
}

func rangeText(first, last [16]byte) string {
	return netip.AddrFrom16(first).String() + "-" + netip.AddrFrom16(last).String()
}

func denseName(d config.Dense) string {
	if d == config.DenseExclusive {
		return "exclusive"
	}
	return "agree"
}

func kindName(k wire.Kind) string {
	if k == wire.IAPD {
		return "prefixes"
	}
	return "addresses"
}

func spaced(numbers []int) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, " %d", n)
	}
	return b.String()
}
