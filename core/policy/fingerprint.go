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
//	link                                one block for each link; blocks in the order of their text
//	 link-address 2001:db8:1::/64       the block's lines, sorted
//	 interface-id 706f7274              in hex
//	 pool 2001:db8:8000::-2001:db8:80ff:ff00:: length 56 prefix 2001:db8:8000:: dense agree
//	 pool … node b                      first and last lease, hash prefix, and the node where it is one node's
//	 exclude 2001:db8:1::1-2001:db8:1::1
//	 reservation duid 0003… 2001:db8:1::10 2001:db8:8000::/56
//
// A reservation's key is duid, hardware, remote-id (enterprise number or *, colon, value) or subscriber-id, values in
// hex, and its leases are in the file's order, which is the order of preference. Names of links, local interfaces,
// lifetimes and options decide no address and don't enter; nor do keys that are only accepted.
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
	links := make([]string, len(p.source.Links))
	for i := range links {
		lines := linkLines(&p.source.Links[i])
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

// linkLines are the lines of a link's block, each with its indent and line feed.
func linkLines(l *config.Link) (lines []string) {
	line := func(format string, arguments ...any) {
		lines = append(lines, " "+fmt.Sprintf(format, arguments...)+"\n")
	}
	for _, prefix := range l.LinkAddress {
		line("link-address %s", prefix.Masked())
	}
	for _, id := range l.InterfaceIDs {
		line("interface-id %x", id)
	}
	for _, pools := range [][]config.Pool{l.Addresses, l.Prefixes} {
		for i := range pools {
			pool := &pools[i]
			for k := range pool.Ranges {
				r := &pool.Ranges[k]
				node := ""
				if r.Node != "" {
					node = " node " + r.Node
				}
				last := startOf(address.FromBytes(r.Last), pool.Length).Bytes()
				line("pool %s length %d prefix %s dense %s%s", rangeText(r.First, last), pool.Length,
					netip.AddrFrom16(hashPrefix(r)), denseName(pool.Dense), node)
			}
			for _, e := range pool.Exclude {
				line("exclude %s", rangeText(e.First, e.Last))
			}
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
