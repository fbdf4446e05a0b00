package daemon

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/io/privacy"
)

// News tells the log what has changed in what a node knows of its pools and of its cluster: each thing once when it comes and once
// when it goes.
type news struct {
	d         *Daemon
	site      *engine.Site              // of this tell: a reload may come in between
	peers     map[string]peer.Condition // by DUID
	standing  map[string]fact           // what was told and still holds, by its key
	contended map[binding.Key]bool
}

// A fact is what a message says of something, which attributes name.
type fact struct {
	message
	about []any
}

func (f *fact) key() string { return f.id + fmt.Sprint(f.about...) }

func newNews(d *Daemon) *news {
	return &news{
		d: d, peers: make(map[string]peer.Condition),
		standing: make(map[string]fact), contended: make(map[binding.Key]bool),
	}
}

// tell compares with what was told before.
func (n *news) tell(now binding.Time) {
	n.site = n.d.site.Load()
	held := make(map[string]bool)
	n.fills(held)
	if !n.site.Policy.Single {
		n.health(now)
		n.gate(now, held)
		n.divergence(held)
		n.twin(now, held)
		n.coverage(now, held)
		n.refusals(now, held)
	}
	for key, f := range n.standing {
		if !held[key] {
			delete(n.standing, key)
			n.d.log.Info("over: "+f.text, append([]any{"id", f.id, "over", true}, f.about...)...)
		}
	}
	if !n.site.Policy.Single {
		n.conflicts()
	}
}

// hold notes that a fact holds, and tells it where it is new.
func (n *news) hold(held map[string]bool, f fact, details ...any) {
	key := f.key()
	held[key] = true
	if _, told := n.standing[key]; told {
		return
	}
	n.standing[key] = f
	n.d.log.Log(context.Background(), f.level, f.text, append(append([]any{"id", f.id}, f.about...), details...)...)
}

func (n *news) health(now binding.Time) {
	p, view := n.site.Policy, n.site.View
	for i := range p.Nodes {
		if i == p.Self {
			continue
		}
		r, duid := view.Health.Report(i, now), string(p.Nodes[i].ServerID)
		was := n.peers[duid]
		if r.Condition == was {
			continue
		}
		m := peerHealth[r.Condition]
		n.d.log.Log(context.Background(), m.level, m.text, "id", m.id, "peer", p.Nodes[i].Name, "was", was.String(),
			"unanswered_clients", r.Clients, "relays", len(r.Relays), "last_answer", timeText(r.LastAnswer))
		n.peers[duid] = r.Condition
	}
}

func (n *news) gate(now binding.Time, held map[string]bool) {
	p, view := n.site.Policy, n.site.View
	for _, l := range view.Gate.Listening(now) {
		n.hold(held, fact{linkListening, []any{"link", p.Links[l.Link].Name}}, "reason", l.Reason.String(), "until", timeText(l.Until))
	}
	if until := view.Gate.LostUntil(now); until != 0 && slices.ContainsFunc(p.Pools, isExclusive) {
		n.hold(held, fact{message: leasesGone}, "until", timeText(until))
	}
	if view.Gate.BackSeat(now) {
		n.hold(held, fact{message: backSeat})
	}
}

// isExclusive tells whether only this node, or one other, gives each lease of the pool.
func isExclusive(p *policy.Pool) bool { return !p.Sparse && p.Dense == config.DenseExclusive }

func (n *news) divergence(held map[string]bool) {
	site := n.site
	for _, f := range site.View.Divergence.Findings() {
		found := divergence(site.Policy, &f)
		n.hold(held, fact{peerDiverges, []any{"peer", site.Policy.Nodes[f.Node].Name, "finding", found.Text()}},
			"of_newest_claims", found.Claims, "unexpected", found.Unexpected,
			"example", privacy.Lease(f.Example.Lease.Address, f.Example.Lease.Length), "duid", privacy.DUID(f.Example.DUID), "iaid", privacy.IAID(f.Example.IAID))
	}
}

func (n *news) twin(now binding.Time, held map[string]bool) {
	if twinSuspected(n.site, now) {
		n.hold(held, fact{message: twinSeen})
	}
}

func (n *news) coverage(now binding.Time, held map[string]bool) {
	view, favoured := n.site.View, favoured(n.site.Policy)
	for _, r := range view.Relays.States() {
		about := []any{"relay", privacy.Relay(netip.AddrFrom16(r.Address))}
		if r.NoRenews(view.Gate.Longest(), now) {
			n.hold(held, fact{renewalsKept, about}, "requests", r.Requests)
		}
		if r.OursOnly(favoured) {
			n.hold(held, fact{requestsKept, about}, "solicits", r.Solicits, "requests_to_us", r.Ours)
		}
	}
}

// Shares of a stripe in use that are worth a warning. Between the two it is told once.
const (
	nearlyFull = 0.9
	full       = 1.0
)

func (n *news) fills(held map[string]bool) {
	for _, f := range n.site.Fills() {
		if !f.Own {
			continue
		}
		about := []any{"link", n.site.Policy.Links[f.Pool.Link].Name, "pool", f.Pool.Name, "stripe", f.Stripe}
		nearly := fact{poolNearlyFull, about}
		switch used := float64(f.Used) / float64(f.Size); {
		case used >= full:
			n.hold(held, fact{poolFull, about}, "slots", f.Size)
			// It is nearly full too, which needn't be told beside the other: not now, and not when a lease becomes free.
			held[nearly.key()], n.standing[nearly.key()] = true, nearly
		case used >= nearlyFull:
			n.hold(held, nearly, "used", f.Used, "slots", f.Size)
		}
	}
}

// refusals warns while pools aren't shared because claims weren't believed: what they name isn't known to be taken.
func (n *news) refusals(now binding.Time, held map[string]bool) {
	site := n.site
	for pool := range site.View.Missed.Pools(now) {
		p := site.Policy.Pools[pool]
		n.hold(held, fact{poolUnshared, []any{"link", site.Policy.Links[p.Link].Name, "pool", p.Name}}, "refused", site.View.Ports.Refused())
	}
}

// conflictLines is how many conflicts are told at a time, one by one: clients that lie could fill the log.
const conflictLines = 16

// conflicts tells which leases are claimed by more than one client since, and who lost one to whom.
func (n *news) conflicts() {
	view := n.site.View
	now := make(map[binding.Key]bool)
	fresh := 0
	for _, key := range view.Conflicts.Leases() {
		now[key] = true
		if n.contended[key] {
			continue
		}
		if fresh++; fresh > conflictLines {
			continue
		}
		for _, c := range view.Conflicts.On(&key) {
			n.d.log.Warn("two clients claim one lease", "id", "lease-claimed-twice", "lease", privacy.Lease(key.Address, key.Length),
				"client", privacy.DUID(c.DUID), loggedIAID(c.IAID, c.Anonymous), "node", n.nodeName(c.Node), "explained", c.Strong)
		}
	}
	n.contended = now
	if fresh > conflictLines {
		n.d.log.Warn("two clients claim one lease: more of them; lockstep6 peers has all", "id", "leases-claimed-twice-more", "leases", fresh-conflictLines)
	}
	n.decisions()
}

// decisions tells who lost a lease: nobody but servers sees that two clients have one prefix.
func (n *news) decisions() {
	decided, untold := n.site.View.Conflicts.Decisions()
	for i := range decided {
		if i == conflictLines {
			untold += uint64(len(decided) - i)
			break
		}
		d := &decided[i]
		n.d.log.Warn("of two clients with one lease one lost it: it is given another one at its Renew or Rebind", "id", "lease-lost",
			"lease", privacy.Lease(d.Lease.Address, d.Lease.Length),
			"loser", privacy.DUID(d.Loser.DUID), "loser_iaid", privacy.IAID(d.Loser.IAID), "loser_node", n.nodeName(d.Loser.Node),
			"winner", privacy.DUID(d.Winner.DUID), "winner_iaid", privacy.IAID(d.Winner.IAID), "winner_node", n.nodeName(d.Winner.Node))
	}
	if untold > 0 {
		n.d.log.Warn("of two clients with one lease one lost it: more of them", "id", "leases-lost-more", "leases", untold)
	}
}

func (n *news) nodeName(node int) string {
	if nodes := n.site.Policy.Nodes; node >= 0 && node < len(nodes) {
		return nodes[node].Name
	}
	return "unknown"
}

func timeText(t binding.Time) string {
	if t == 0 {
		return "never"
	}
	return time.Unix(t.Unix(), 0).UTC().Format(time.RFC3339)
}
