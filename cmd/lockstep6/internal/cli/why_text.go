package cli

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A grievance is what refusals of one reason have in common.
type grievance struct {
	newest   admin.Refusal
	count    int
	messages map[string]int
	clients  map[string]bool
	first    time.Time
}

// grievances sums refusals up by their reason and status, in the order of the newest.
func grievances(refusals []admin.Refusal) (all []*grievance) {
	by := make(map[string]*grievance)
	for i := range refusals {
		r := &refusals[i]
		g := by[r.Reason+r.Status]
		if g == nil {
			g = &grievance{newest: *r, messages: make(map[string]int), clients: make(map[string]bool)}
			by[r.Reason+r.Status] = g
			all = append(all, g)
		}
		g.count++
		g.messages[or(r.Message, "unreadable")]++
		g.clients[r.DUID+r.PeerAddress] = true
		g.first = r.At
	}
	return all
}

// whyText is what `why` says: the newest reason first, with all that is known of it.
func whyText(client string, r *admin.Refusals, leases []admin.Lease) string {
	var b strings.Builder
	all := grievances(r.Refusals)
	switch {
	case len(all) > 0:
	case client == "":
		b.WriteString("The node remembers no refusal.\n")
	case len(leases) > 0:
		b.WriteString("The node remembers no refusal to this client.\n")
	default:
		b.WriteString("The node remembers no refusal to this client, and no lease of it: it isn't heard here, or asked too long ago.\n" +
			"do: see whether its messages arrive, with tcpdump -vv 'udp port 547', and look at the relay before it (docs/relays.md)\n")
	}
	for i, g := range all {
		if i > 0 {
			b.WriteByte('\n')
		}
		g.write(&b, client == "")
	}
	if len(leases) > 0 {
		b.WriteString("\nits leases\n")
		for i := range leases {
			l := &leases[i]
			fmt.Fprintf(&b, "  %s  %s, %s until %s, of %s\n", l.Lease, l.Kind, l.State, l.Expires, or(l.Owner, "this node"))
		}
	}
	if r.Skipped > 0 {
		fmt.Fprintf(&b, "\n%d of %d refusals to all clients were only counted: there were too many in a second.\n", r.Skipped, r.Total)
	}
	return b.String()
}

func (g *grievance) write(b *strings.Builder, anybody bool) {
	r := &g.newest
	answer := "no answer"
	if r.Status != "" {
		answer = "answered " + r.Status
	}
	fmt.Fprintf(b, "%s: %s\n", r.Reason, r.Why)
	var messages []string
	for _, name := range slices.Sorted(maps.Keys(g.messages)) {
		messages = append(messages, fmt.Sprintf("%s %d", name, g.messages[name]))
	}
	fmt.Fprintf(b, "  %s (%s), %s\n", count(g.count, "message"), strings.Join(messages, ", "), answer)
	if anybody {
		fmt.Fprintf(b, "  of %s\n", count(len(g.clients), "client"))
	}
	fmt.Fprintf(b, "  first at %s, last at %s\n", g.first.Format(time.DateTime), r.At.Format(time.DateTime))
	for _, line := range [][2]string{
		{"DUID", r.DUID}, {"hardware address", r.HardwareAddress}, {"address", r.PeerAddress}, {"link", r.Link},
		{"relay", r.Relay}, {"link-address", r.LinkAddress}, {"Interface-ID", r.InterfaceID},
		{"pool's name", r.PoolName}, {"prefix length", lengthText(r.PrefixLength)}, {"interface", r.Interface},
	} {
		if line[1] != "" {
			fmt.Fprintf(b, "  %-17s %s\n", line[0], line[1])
		}
	}
	fmt.Fprintf(b, "  do: %s\n", r.Remedy)
}

// lengthText is a prefix length, or nothing.
func lengthText(length uint8) string {
	if length == 0 {
		return ""
	}
	return fmt.Sprintf("/%d", length)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
