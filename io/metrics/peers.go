package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

// peerStates are what a peer can be.
var peerStates = []string{"alive", "silent", "unknown"}

var peerMetrics = []metric{
	{
		name: "peer_state", help: "1 for the state in which a peer is: alive, silent or unknown.",
		kind: prometheus.GaugeValue, labels: []string{"peer", "state"},
		values: func(s *Snapshot, emit emit) {
			for i := range s.Peers.Peers {
				p := &s.Peers.Peers[i]
				for _, state := range peerStates {
					emit(truth(p.State == state), p.Name, state)
				}
			}
		},
	},
	{
		name: "peer_messages_total", help: "Client messages that name a peer, by type.",
		kind: prometheus.CounterValue, labels: []string{"peer", "type"},
		values: func(s *Snapshot, emit emit) {
			for i := range s.Peers.Peers {
				p := &s.Peers.Peers[i]
				for _, t := range sorted(p.Messages) {
					emit(float64(p.Messages[t]), p.Name, t)
				}
			}
		},
	},
	ofPeer(prometheus.CounterValue, "peer_answered_total", "Exchanges with a peer that its clients didn't have to repeat.",
		func(_ *Snapshot, p *admin.Peer) float64 { return float64(p.Answered) }),
	ofPeer(prometheus.CounterValue, "peer_repeated_total", "Exchanges with a peer that its clients repeated.",
		func(_ *Snapshot, p *admin.Peer) float64 { return float64(p.Repeated) }),
	ofPeer(prometheus.CounterValue, "peer_rebinds_total", "Rebinds of a peer's clients.",
		func(_ *Snapshot, p *admin.Peer) float64 { return float64(p.Rebinds) }),
	ofPeer(prometheus.GaugeValue, "peer_unanswered_clients", "Clients that a peer left without an answer, as far as that stands.",
		func(_ *Snapshot, p *admin.Peer) float64 {
			if p.Unanswered == nil {
				return 0
			}
			return float64(p.Unanswered.Clients)
		}),
	ofPeer(prometheus.GaugeValue, "peer_path_broken", "1 when a peer answers, but not behind some relays.",
		func(_ *Snapshot, p *admin.Peer) float64 { return truth(p.PathBroken) }),
	ofPeer(prometheus.GaugeValue, "peer_bindings", "Bindings of a peer that this node knows of, expired ones that aren't reclaimed yet too.",
		func(s *Snapshot, p *admin.Peer) float64 { return float64(s.Granted[p.Name]) }),
	ofPeer(prometheus.GaugeValue, "peer_divergent_pools", "Pools in which a peer's grants don't follow from this node's configuration.",
		func(_ *Snapshot, p *admin.Peer) float64 { return float64(len(p.Divergence)) }),
}

// ofPeer is a metric of one value for each peer.
func ofPeer(kind prometheus.ValueType, name, help string, value func(s *Snapshot, p *admin.Peer) float64) metric {
	return metric{name: name, help: help, kind: kind, labels: []string{"peer"}, values: func(s *Snapshot, emit emit) {
		for i := range s.Peers.Peers {
			emit(value(s, &s.Peers.Peers[i]), s.Peers.Peers[i].Name)
		}
	}}
}

var clusterMetrics = []metric{
	{
		name: "gate_open", help: "1 while what peers granted on a link is known without a known gap; 0 while the node listens.",
		kind: prometheus.GaugeValue, labels: []string{"link"},
		values: func(s *Snapshot, emit emit) {
			for i := range s.Peers.Gates {
				emit(truth(s.Peers.Gates[i].Open), s.Peers.Gates[i].Link)
			}
		},
	},
	counter("gates_closed_total", "How often a link's gate was closed.", func(s *Snapshot) uint64 { return s.Peers.GateClosed }),
	gauge("back_seat", "1 while new clients are left to peers, after an absence.", func(s *Snapshot) float64 { return truth(s.Peers.BackSeat) }),
	gauge("unshared_pools", "Pools of which not all claims were taken in (limits.weak-claims-per-port).",
		func(s *Snapshot) float64 { return float64(len(s.Peers.Unshared)) }),
	gauge("conflicts_standing", "Leases that more than one client claims.",
		func(s *Snapshot) float64 { return float64(len(s.Peers.Conflicts.Standing)) }),
	counter("conflicts_mended_total", "Conflicts that ended because a client was given another lease.",
		func(s *Snapshot) uint64 { return s.Peers.Conflicts.Mended }),
	counter("conflict_claims_lost_total", "Competing claims that found no room in memory.",
		func(s *Snapshot) uint64 { return s.Peers.Conflicts.Lost }),
	gauge("twin_suspected", "1 when another server seems to answer under this node's name.",
		func(s *Snapshot) float64 { return truth(s.Peers.Twin.Suspected) }),
	counter("twin_renews_total", "Renews, with this node, of leases that it never granted though it knows of no gap.",
		func(s *Snapshot) uint64 { return s.Peers.Twin.Renews }),
	gauge("foreign_servers", "Servers outside of the cluster that clients name.",
		func(s *Snapshot) float64 { return float64(len(s.Peers.Foreign)) }),
	counter("foreign_messages_total", "Client messages that name a server outside of the cluster.",
		func(s *Snapshot) uint64 { return s.Peers.ForeignSeen }),
}
