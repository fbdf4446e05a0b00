package engine_test

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/peer"
)

// describeView prints what the node makes of its peers' clients. What says nothing is left out.
func (s *session) describeView() string {
	var b strings.Builder
	v, p := s.site.View, s.site.Policy
	for _, l := range v.Gate.Listening(s.now) {
		fmt.Fprintf(&b, "%s: listening, %.0f %% of T1: %s\n", p.Links[l.Link].Name, 100*l.Progress, l.Reason)
	}
	if v.Gate.BackSeat(s.now) {
		b.WriteString("back seat\n")
	}
	for i := range p.Nodes {
		if r := v.Health.Report(i, s.now); i != p.Self && (r.Condition != peer.Unknown || r.Answered+r.Unanswered+r.Rebinds > 0) {
			fmt.Fprintf(&b, "%s: %s, answered %d, unanswered %d, rebinds %d, clients waiting %d behind %d relays%s\n", p.Nodes[i].Name,
				r.Condition, r.Answered, r.Unanswered, r.Rebinds, r.Clients, len(r.Relays), map[bool]string{true: ", path"}[r.Path])
		}
	}
	for _, f := range v.Divergence.Findings() {
		where := "outside of all pools"
		if f.Pool >= 0 {
			where = "in " + p.Pools[f.Pool].Name
		}
		fmt.Fprintf(&b, "%s: diverges %s, %d of %d claims, accepted key %v, %s\n",
			p.Nodes[f.Node].Name, where, f.Strange, f.Claims, f.Other, leaseText(f.Example.Lease))
	}
	for _, key := range v.Conflicts.Leases() {
		for _, c := range v.Conflicts.On(&key) {
			node := "a server unknown"
			if c.Node >= 0 {
				node = p.Nodes[c.Node].Name
			}
			fmt.Fprintf(&b, "conflict: %s iaid=%s duid=%x at %s, strong %v, confirmed %v\n",
				leaseText(key), iaidText(c.IAID, c.Anonymous), c.DUID, node, c.Strong, c.Confirmed)
		}
	}
	for _, f := range v.Foreign.Servers() {
		fmt.Fprintf(&b, "foreign: %x on link %d, %d messages\n", f.ServerID, f.Link, f.Messages)
	}
	if _, mended, _ := v.Conflicts.Counts(); mended > 0 {
		fmt.Fprintf(&b, "mended %d\n", mended)
	}
	if v.Twin.Total() > 0 {
		fmt.Fprintf(&b, "twin: %d, seen %v\n", v.Twin.Total(), v.Twin.Seen(p.Links[0].Lifetimes.Renew, s.now))
	}
	for _, r := range v.Relays.States() {
		if r.Solicits > 0 {
			fmt.Fprintf(&b, "relay %s: %d solicits, %d followed, %d ours; known %v, ours only %v, silent %v\n",
				netip.AddrFrom16(r.Address), r.Solicits, r.Followed, r.Ours, r.Known(), r.OursOnly(false), r.Silent)
		}
	}
	if b.Len() == 0 {
		return "nothing\n"
	}
	return b.String()
}

func leaseText(k binding.Key) string {
	return fmt.Sprintf("%s/%d", netip.AddrFrom16(k.Address), k.Length)
}
