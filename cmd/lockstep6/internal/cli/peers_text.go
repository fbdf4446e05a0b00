package cli

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/lockstep6/lockstep6/io/admin"
)

// A report is the text of `peers`: one line for each node, then a section for each peer and each thing that is worth a
// word. What has nothing to say is left out.
type report struct {
	strings.Builder
	now time.Time
}

func peersText(p *admin.Peers) string {
	r := report{now: p.Now}
	if p.Node == "" {
		fmt.Fprintf(&r, "A single node has no peers: its configuration has no cluster. It has granted %s.\n", count(int(p.OwnBindings), "lease"))
		return r.String()
	}
	fmt.Fprintf(&r, "seen by node %s at %s; times are UTC\nfingerprint %s\n\n", p.Node, p.Now.Format(time.DateTime), p.Fingerprint)
	r.table("", func(t *tabwriter.Writer) {
		fmt.Fprintln(t, "NODE\tPREFERENCE\tVERDICT")
		fmt.Fprintf(t, "%s (this one)\t%d\t%s\n", p.Node, p.Preference, selfVerdict(p))
		for i := range p.Peers {
			peer := &p.Peers[i]
			fmt.Fprintf(t, "%s\t%d\t%s\n", peer.Name, peer.Preference, r.verdict(peer))
		}
	})
	for i := range p.Peers {
		r.peer(&p.Peers[i])
	}
	r.cluster(p)
	return r.String()
}

// selfVerdict says in one line how this node stands.
func selfVerdict(p *admin.Peers) string {
	closed := 0
	for i := range p.Gates {
		if !p.Gates[i].Open {
			closed++
		}
	}
	text := count(int(p.OwnBindings), "lease") + " granted"
	switch {
	case p.BackSeat:
		text = "in the back seat: new clients are left to other nodes; " + text
	case closed > 0:
		text = "listening on " + count(closed, "link") + "; " + text
	}
	if p.Twin.Suspected {
		text = "HAS A TWIN; " + text
	}
	return text
}

// verdict says in one line how a peer is, and why that is believed.
func (r *report) verdict(p *admin.Peer) string {
	text := p.State + ": "
	u := p.Unanswered
	switch {
	case p.State == "silent":
		text = "SILENT: " + r.unanswered(u)
	case p.PathBroken:
		text = "alive, but PATH BROKEN: " + r.unanswered(u) + ", others answered at " + r.at(p.LastAnswer)
	case p.State == "alive":
		text += "last exchange answered at " + r.at(p.LastAnswer)
	case u != nil:
		text += r.unanswered(u) + ", too little to call it silent"
	case p.LastAnswer != nil:
		text += "no exchange since " + r.at(p.LastAnswer)
	case len(p.Messages) > 0:
		text += "clients have only begun to speak to it"
	default:
		text += "no client has spoken to it yet"
	}
	if len(p.Divergence) > 0 {
		text += "; HAS ANOTHER CONFIGURATION"
	}
	return text
}

func (r *report) unanswered(u *admin.Unanswered) string {
	return fmt.Sprintf("%s behind %s unanswered since %s", count(u.Clients, "client"), relayNames(u.Relays), r.clock(u.Since))
}

// relayNames counts relays, and names a single one.
func relayNames(relays []string) string {
	if len(relays) != 1 {
		return count(len(relays), "relay")
	}
	if relays[0] == noRelay {
		return "no relay"
	}
	return "relay " + relays[0]
}

// noRelay stands for clients without a relay.
const noRelay = "::"

// peer is the section about one peer.
func (r *report) peer(p *admin.Peer) {
	var lines [][2]string
	add := func(name, format string, args ...any) {
		lines = append(lines, [2]string{name, fmt.Sprintf(format, args...)})
	}
	if len(p.Messages) > 0 {
		add("messages", "%s; the last one at %s", messages(p.Messages), r.at(p.LastHeard))
	}
	if p.Answered+p.Repeated > 0 {
		add("exchanges", "%d answered, %d repeated", p.Answered, p.Repeated)
	}
	if p.Rebinds > 0 {
		add("rebinds", "%d by its clients", p.Rebinds)
	}
	if b := &p.Bindings; b.All() > 0 {
		add("observed", "%s: %d confirmed, %d tentative; %d strong, %d weak", count(int(b.All()), "lease"), b.Confirmed, b.Tentative, b.Strong, b.Weak)
	}
	if c := &p.Claims; c.First+c.Later+c.OtherKey+c.Nothing > 0 {
		add("new claims", "%d by the first candidate, %d by a later one, %d by another key, %d unexplained", c.First, c.Later, c.OtherKey, c.Nothing)
	}
	if u := p.Unanswered; u != nil && len(u.Relays) > 1 {
		add("unanswered", "behind %s", relayList(u.Relays))
	}
	for i := range p.Divergence {
		d := &p.Divergence[i]
		add("diverges", "%s (%d of its newest %d claims)", d.Text(), d.Unexpected, d.Claims)
		add("", "for example %s for DUID %s, IAID %d at %s", d.Example.Lease, d.Example.DUID, d.Example.IAID, r.clock(d.Example.At))
	}
	if len(lines) == 0 {
		return
	}
	fmt.Fprintf(r, "\n%s\n", p.Name)
	for _, line := range lines {
		fmt.Fprintf(r, "  %-12s%s\n", line[0], line[1])
	}
}

// messageOrder is the types of messages that name a server, as they are shown.
var messageOrder = []string{"Request", "Renew", "Release", "Decline", "Information-request"}

func messages(m map[string]uint64) string {
	var words []string
	for _, t := range messageOrder {
		if n := m[t]; n > 0 {
			words = append(words, fmt.Sprintf("%s %d", t, n))
		}
	}
	return strings.Join(words, ", ")
}

// relayList names some of many relays.
func relayList(relays []string) string {
	const most = 8
	var names []string
	for _, address := range relays[:min(len(relays), most)] {
		names = append(names, relayName(address))
	}
	text := strings.Join(names, ", ")
	if len(relays) > most {
		text += fmt.Sprintf(" and %d more", len(relays)-most)
	}
	return text
}

// table writes aligned rows, each behind an indent.
func (r *report) table(indent string, rows func(*tabwriter.Writer)) {
	var b strings.Builder
	t := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	rows(t)
	_ = t.Flush() // to memory
	for line := range strings.Lines(b.String()) {
		r.WriteString(indent + strings.TrimRight(line, " \n") + "\n")
	}
}

// at is a time that may not have come.
func (r *report) at(t *time.Time) string {
	if t == nil {
		return "no time yet"
	}
	return r.clock(*t)
}

// clock is the time of day, with the date where it isn't today's.
func (r *report) clock(t time.Time) string {
	if t.UTC().Format(time.DateOnly) == r.now.UTC().Format(time.DateOnly) {
		return t.UTC().Format(time.TimeOnly)
	}
	return t.UTC().Format(time.DateTime)
}
