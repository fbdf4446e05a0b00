package cli

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/lockstep6/lockstep6/io/admin"
)

// mostRows bounds a section; JSON has all.
const mostRows = 20

// cluster is what isn't about one peer: this node's own knowledge, and what stands between clients.
func (r *report) cluster(p *admin.Peers) {
	r.listening(p)
	r.relays(p.Relays)
	r.conflicts(&p.Conflicts)
	r.twin(&p.Twin)
	r.foreign(p.Foreign)
	r.former(p.Former)
}

func (r *report) section(title string) { r.WriteString("\n" + title + "\n") }

// more says how many rows were left out.
func (r *report) more(all int) {
	if all > mostRows {
		fmt.Fprintf(r, "  and %d more: --format json shows all\n", all-mostRows)
	}
}

func (r *report) listening(p *admin.Peers) {
	closed := slices.DeleteFunc(slices.Clone(p.Gates), func(g admin.Gate) bool { return g.Open })
	if len(closed) > 0 {
		r.section("listening: until old clients were heard, new ones get leases of dense pools from this node's own share only")
		r.table("  ", func(t *tabwriter.Writer) {
			for i := range min(len(closed), mostRows) {
				g := &closed[i]
				fmt.Fprintf(t, "link %s\t%.0f %% of T1, until %s\tbecause: %s\n", g.Link, 100*g.Progress, r.at(g.Until), g.Reason)
			}
		})
		r.more(len(closed))
	}
	if len(p.Unshared) > 0 {
		r.section("not shared: a relay port claims too much, so new clients get leases of these pools from this node's own share only")
		r.table("  ", func(t *tabwriter.Writer) {
			for i := range min(len(p.Unshared), mostRows) {
				u := &p.Unshared[i]
				fmt.Fprintf(t, "link %s\tpool %s\tuntil %s\n", u.Link, u.Pool, r.at(&u.Until))
			}
		})
		r.more(len(p.Unshared))
	}
	switch {
	case p.Drained:
		r.section("drained: new clients are left to other nodes while those answer, until `lockstep6 drain --end`")
	case p.BackSeat:
		r.section("back seat: until old clients were heard, new ones are left to other nodes while those answer")
	}
}

func (r *report) relays(relays []admin.Relay) {
	if len(relays) == 0 {
		return
	}
	relays = slices.Clone(relays)
	slices.SortStableFunc(relays, func(a, b admin.Relay) int { return min(len(remarks(&b)), 1) - min(len(remarks(&a)), 1) })
	r.section("relays: of the Solicits that this node answered, how many led to a Request within 5 s")
	r.table("  ", func(t *tabwriter.Writer) {
		fmt.Fprintln(t, "RELAY\tMESSAGES\tSOLICITS\tTO ANY NODE\tTO THIS NODE\tREMARK")
		for i := range min(len(relays), mostRows) {
			l := &relays[i]
			fmt.Fprintf(t, "%s\t%d\t%d\t%s\t%s\t%s\n", relayName(l.Address), l.Messages, l.Solicits,
				coverage(l, l.Followed), coverage(l, l.Ours), strings.Join(remarks(l), "; "))
		}
	})
	r.more(len(relays))
}

func relayName(address string) string {
	if address == noRelay {
		return "(no relay)"
	}
	return address
}

// coverage is a share of a relay's Solicits, where there are enough of them.
func coverage(l *admin.Relay, n uint32) string {
	if !l.Known {
		return "unknown"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(n)/float64(l.Solicits))
}

// remarks is what is wrong with a relay.
func remarks(l *admin.Relay) (out []string) {
	if l.Silent {
		out = append(out, "silent")
	}
	if l.ChosenOnly {
		out = append(out, "sends requests to the chosen server only")
	}
	if l.NoRenews {
		out = append(out, "doesn't copy renewals")
	}
	return out
}

func (r *report) conflicts(c *admin.Conflicts) {
	if len(c.Standing) == 0 && c.Mended+c.Lost == 0 {
		return
	}
	title := fmt.Sprintf("conflicts: %s claimed by more than one client, %d mended", count(len(c.Standing), "lease"), c.Mended)
	if c.Lost > 0 {
		title += fmt.Sprintf(", %s too many to keep", count(int(c.Lost), "claim"))
	}
	r.section(title)
	r.table("  ", func(t *tabwriter.Writer) {
		for i := range min(len(c.Standing), mostRows) {
			for k, claim := range c.Standing[i].Claims {
				lease := c.Standing[i].Lease
				if k > 0 {
					lease = ""
				}
				fmt.Fprintf(t, "%s\t%s\tDUID %s, IAID %s\t%s, since %s\n", lease, claimedAt(&claim), claim.DUID, iaidCell(claim.IAID, claim.IAIDUnknown),
					confirmed(claim.Confirmed), r.clock(claim.Since))
			}
		}
	})
	r.more(len(c.Standing))
}

// claimedAt says in which node's name a claim is.
func claimedAt(c *admin.Claim) string {
	node := "a node unknown"
	if c.Node != "" {
		node = c.Node
	}
	if c.Holds {
		return "held at " + node
	}
	return "claimed at " + node
}

func (r *report) twin(t *admin.Twin) {
	switch {
	case t.Suspected:
		r.section("twin: ANOTHER SERVER ANSWERS UNDER THIS NODE'S NAME")
	case t.Renews > 0:
		r.section("twin: not enough to suspect one")
	default:
		return
	}
	fmt.Fprintf(r, "  Renews that name this node and a lease that it never granted: %d\n", t.Renews)
}

func (r *report) foreign(servers []admin.ForeignServer) {
	if len(servers) == 0 {
		return
	}
	r.section("foreign servers: not in the cluster, and clients name them")
	r.table("  ", func(t *tabwriter.Writer) {
		for i := range min(len(servers), mostRows) {
			s := &servers[i]
			link := "no link of this node's"
			if s.Link != "" {
				link = "link " + s.Link
			}
			fmt.Fprintf(t, "%s\tDUID %s\t%s, the last at %s\n", link, s.DUID, count(int(s.Messages), "message"), r.clock(s.LastHeard))
		}
	})
	r.more(len(servers))
}

func (r *report) former(servers []admin.Former) {
	if len(servers) == 0 {
		return
	}
	r.section("former nodes: not in the configuration any more, and leases of theirs still stand")
	for i := range servers {
		fmt.Fprintf(r, "  DUID %s  %s\n", servers[i].DUID, count(int(servers[i].Bindings.All()), "lease"))
	}
}
