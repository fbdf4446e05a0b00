package daemon

import (
	"encoding/hex"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/config"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/peer"
	"github.com/lockstep6/lockstep6/core/policy"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
)

// Peers implements admin.Node. It walks through the whole binding table.
func (o *operator) Peers() admin.Peers {
	now := worker.Time(o.d.clock())
	owned := o.countOwners(now)
	return o.cluster(o.d.site.Load(), &owned, now)
}

// cluster is what the node knows of its cluster, with the bindings that each owner has.
func (o *operator) cluster(site *engine.Site, owned *[256]admin.ObservedBindings, now binding.Time) admin.Peers {
	p, view := site.Policy, site.View
	out := admin.Peers{
		Fingerprint: hex.EncodeToString(p.Fingerprint[:]), Now: utc(now),
		Peers: []admin.Peer{}, Former: []admin.Former{}, Gates: []admin.Gate{}, Unshared: []admin.Unshared{}, Relays: []admin.Relay{},
		Conflicts: admin.Conflicts{Standing: []admin.Conflict{}}, Foreign: []admin.ForeignServer{},
	}
	out.OwnBindings = owned[peer.Self].All()
	if p.Single {
		return out
	}
	out.Node, out.Preference = p.Nodes[p.Self].Name, p.Preference
	for i := range p.Nodes {
		if i != p.Self {
			out.Peers = append(out.Peers, peerOf(p, view, i, owned[view.Owner(i)], now))
		}
	}
	for owner := range owned {
		if _, known := view.Node(uint8(owner)); !known && owner != peer.Unnamed && owned[owner].All() > 0 {
			out.Former = append(out.Former, admin.Former{DUID: o.d.owners.Load()[owner], Bindings: owned[owner]})
		}
	}
	findings := view.Divergence.Findings()
	for i := range findings {
		name := p.Nodes[findings[i].Node].Name
		for k := range out.Peers {
			if out.Peers[k].Name == name {
				out.Peers[k].Divergence = append(out.Peers[k].Divergence, divergence(p, &findings[i]))
			}
		}
	}
	o.addCluster(&out, site, now)
	return out
}

// addCluster tells what isn't about one peer.
func (o *operator) addCluster(out *admin.Peers, site *engine.Site, now binding.Time) {
	p, view := site.Policy, site.View
	for pool, until := range view.Missed.Pools(now) {
		out.Unshared = append(out.Unshared, admin.Unshared{Pool: p.Pools[pool].Name, Link: p.Links[p.Pools[pool].Link].Name, Until: utc(until)})
	}
	slices.SortFunc(out.Unshared, func(a, b admin.Unshared) int { return strings.Compare(a.Link+a.Pool, b.Link+b.Pool) })
	out.Gates = gates(p, view.Gate.Listening(now))
	out.GateClosed, out.BackSeat = view.Gate.Closed(), view.Gate.BackSeat(now)
	out.Drained = o.d.drain.new.Load()
	for _, r := range view.Relays.States() {
		out.Relays = append(out.Relays, admin.Relay{
			Address: netip.AddrFrom16(r.Address).String(), Messages: r.Messages, LastHeard: utc(r.Last), Silent: r.Silent,
			Solicits: r.Solicits, Followed: r.Followed, Ours: r.Ours, Requests: r.Requests, Renews: r.Renews,
			Known: r.Known(), ChosenOnly: r.OursOnly(favoured(p)), NoRenews: r.NoRenews(view.Gate.Longest(), now),
		})
	}
	_, out.Conflicts.Mended, out.Conflicts.Lost = view.Conflicts.Counts()
	out.Conflicts.Standing = append(out.Conflicts.Standing, o.conflicts(site, now)...)
	out.ForeignSeen = view.Foreign.Total()
	for _, f := range view.Foreign.Servers() {
		s := admin.ForeignServer{DUID: wire.FormatDUID(f.ServerID), Messages: f.Messages, LastHeard: utc(f.Last)}
		if f.Link >= 0 {
			s.Link = p.Links[f.Link].Name
		}
		out.Foreign = append(out.Foreign, s)
	}
	out.Twin = admin.Twin{Suspected: twinSuspected(site, now), Renews: view.Twin.Total()}
}

// favoured tells whether clients that have the choice prefer this node to all others.
func favoured(p *policy.Policy) bool {
	if p.Favour != config.FavourPreference {
		return false
	}
	for i := range p.Nodes {
		if i != p.Self && p.Nodes[i].Preference >= p.Preference {
			return false
		}
	}
	return true
}

func peerOf(p *policy.Policy, view *peer.View, i int, owned admin.ObservedBindings, now binding.Time) admin.Peer {
	r := view.Health.Report(i, now)
	out := admin.Peer{
		Name: p.Nodes[i].Name, DUID: wire.FormatDUID(p.Nodes[i].ServerID), Preference: p.Nodes[i].Preference,
		State: r.Condition.String(), PathBroken: r.Path, Messages: make(map[string]uint64),
		Answered: r.Answered, Repeated: r.Unanswered, Rebinds: r.Rebinds, LastAnswer: moment(r.LastAnswer),
		Bindings: owned, Divergence: []admin.Divergence{},
		Claims: admin.Claims{
			First: view.Divergence.Total(i, peer.ByFirst), Later: view.Divergence.Total(i, peer.ByLater) + view.Divergence.Total(i, peer.ByChance),
			OtherKey: view.Divergence.Total(i, peer.ByOtherKey), Nothing: view.Divergence.Total(i, peer.ByNothing),
		},
	}
	for t := wire.Solicit; t <= wire.InformationRequest; t++ {
		if n := view.Messages(i, t); n > 0 {
			out.Messages[t.String()] = n
		}
	}
	if at, ok := view.LastHeard(i); ok {
		out.LastHeard = moment(at)
	}
	if r.Clients > 0 {
		out.Unanswered = &admin.Unanswered{Clients: r.Clients, Since: utc(r.Since)}
		for _, number := range r.Relays {
			address := view.Relays.Address(number)
			out.Unanswered.Relays = append(out.Unanswered.Relays, netip.AddrFrom16(address).String())
		}
	}
	return out
}

// countOwners counts the bindings that stand, by the number of their owner.
func (o *operator) countOwners(now binding.Time) (counts [256]admin.ObservedBindings) {
	h := o.d.table.NewHandle()
	defer h.Close()
	for shard := range o.d.table.Shards() {
		h.Enter()
		h.Range(shard, func(r *binding.Record) bool {
			if r.State() != binding.Bound || !r.Live(now) {
				return true
			}
			c := &counts[r.Owner()]
			if r.Flags()&engine.FlagConfirmed != 0 {
				c.Confirmed++
			} else {
				c.Tentative++
			}
			if r.Flags()&engine.FlagStrong != 0 {
				c.Strong++
			} else {
				c.Weak++
			}
			return true
		})
		h.Leave()
	}
	return counts
}

// divergence puts a finding into names.
func divergence(p *policy.Policy, f *peer.Finding) admin.Divergence {
	d := admin.Divergence{
		OtherKey: f.Other, Claims: f.Claims, Unexpected: f.Strange,
		Example: admin.Claimed{
			Lease: admin.LeaseText(f.Example.Lease), DUID: wire.FormatDUID(f.Example.DUID), IAID: f.Example.IAID, At: utc(f.Example.At),
		},
	}
	if f.Pool < 0 {
		d.Link = p.Links[f.Link].Name
	} else {
		d.Pool, d.Link = p.Pools[f.Pool].Name, p.Links[p.Pools[f.Pool].Link].Name
	}
	return d
}

// gates is the state of every link's gate, made of those that are closed.
func gates(p *policy.Policy, closed []peer.Listening) []admin.Gate {
	out := make([]admin.Gate, len(p.Links))
	for i := range p.Links {
		out[i] = admin.Gate{Link: p.Links[i].Name, Open: true}
	}
	for _, l := range closed {
		g := &out[l.Link]
		g.Open, g.Reason, g.Progress = false, l.Reason.String(), l.Progress
		g.Since, g.Until = moment(l.Since), moment(l.Until)
	}
	return out
}

// conflicts is the leases that have more than one claim: what the table holds, and what stands beside it.
func (o *operator) conflicts(site *engine.Site, now binding.Time) (out []admin.Conflict) {
	h := o.d.table.NewHandle()
	defer h.Close()
	for _, key := range site.View.Conflicts.Leases() {
		c := admin.Conflict{Lease: admin.LeaseText(key)}
		h.Enter()
		if r := h.Find(&key); r != nil && r.Live(now) {
			c.Claims = append(c.Claims, admin.Claim{
				Node: o.d.ownerName(site, r.Owner()), DUID: wire.FormatDUID(r.DUID()), IAID: r.IAID(), IAIDUnknown: r.Anonymous(), Holds: true,
				Strong: r.Flags()&engine.FlagStrong != 0, Confirmed: r.Flags()&engine.FlagConfirmed != 0,
				Since: utc(r.Since()),
			})
		}
		h.Leave()
		for _, other := range site.View.Conflicts.On(&key) {
			claim := admin.Claim{
				DUID: wire.FormatDUID(other.DUID), IAID: other.IAID, IAIDUnknown: other.Anonymous, Strong: other.Strong, Confirmed: other.Confirmed,
				Since: utc(other.Since),
			}
			if other.Node >= 0 {
				claim.Node = site.Policy.Nodes[other.Node].Name
			}
			c.Claims = append(c.Claims, claim)
		}
		out = append(out, c)
	}
	return out
}

// ownerName is the name of the node with that number, this node's own included.
func (d *Daemon) ownerName(site *engine.Site, owner uint8) string {
	if owner == peer.Self {
		return site.Policy.Nodes[site.Policy.Self].Name
	}
	return d.owners.Load()[owner]
}

// twinSuspected tells whether clients renew what this node never granted.
func twinSuspected(site *engine.Site, now binding.Time) bool {
	for i := range site.Policy.Links {
		if site.View.Twin.Seen(site.Policy.Links[i].LongestRenew, now) {
			return true
		}
	}
	return false
}

func utc(t binding.Time) time.Time { return time.Unix(t.Unix(), 0).UTC() }

// moment is a time that may not have come: 0 is nil.
func moment(t binding.Time) *time.Time {
	if t == 0 {
		return nil
	}
	at := utc(t)
	return &at
}
