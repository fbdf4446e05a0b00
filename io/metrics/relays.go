package metrics

import (
	"cmp"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

// maxRelays is how many relays are shown apart, the busiest ones. The sums are over all of them: what the others did is the
// difference. (A sum over the others alone would fall when one of them becomes one of the busiest, and no counter may fall.)
const maxRelays = 100

var relayMetrics = []metric{
	gauge("relays", "Relays that were heard.", func(s *Snapshot) float64 { return float64(len(s.Peers.Relays)) }),
	gauge("relays_silent", "Relays that weren't heard for ten times their longest usual interval.", func(s *Snapshot) float64 {
		return sum(s, func(r *admin.Relay) float64 { return truth(r.Silent) })
	}),
	ofAll("relays_messages_total", "Messages by all relays.", func(r *admin.Relay) float64 { return float64(r.Messages) }),
	ofAll("relays_solicits_total", "Solicits by all relays that this node answered.", func(r *admin.Relay) float64 { return float64(r.Solicits) }),
	ofAll("relays_followed_total", "Of those, the ones that led to a Request to any server within 5 s.",
		func(r *admin.Relay) float64 { return float64(r.Followed) }),
	ofAll("relays_chosen_total", "Of those, the ones to this node.", func(r *admin.Relay) float64 { return float64(r.Ours) }),
	ofRelay(prometheus.CounterValue, "relay_messages_total", "Messages by a relay; of the 100 busiest relays.",
		func(r *admin.Relay) float64 { return float64(r.Messages) }),
	ofRelay(prometheus.CounterValue, "relay_solicits_total", "Solicits by a relay that this node answered.",
		func(r *admin.Relay) float64 { return float64(r.Solicits) }),
	ofRelay(prometheus.CounterValue, "relay_followed_total", "Of those, the ones that led to a Request to any server within 5 s.",
		func(r *admin.Relay) float64 { return float64(r.Followed) }),
	ofRelay(prometheus.CounterValue, "relay_chosen_total", "Of those, the ones to this node.",
		func(r *admin.Relay) float64 { return float64(r.Ours) }),
	ofRelay(prometheus.GaugeValue, "relay_silent", "1 when a relay wasn't heard for ten times its longest usual interval.",
		func(r *admin.Relay) float64 { return truth(r.Silent) }),
	ofRelay(prometheus.GaugeValue, "relay_partial", "1 when a relay seems to forward Requests or renewals to their server only.",
		func(r *admin.Relay) float64 { return truth(r.ChosenOnly || r.NoRenews) }),
}

func sum(s *Snapshot, value func(r *admin.Relay) float64) (total float64) {
	for i := range s.Peers.Relays {
		total += value(&s.Peers.Relays[i])
	}
	return total
}

func ofAll(name, help string, value func(r *admin.Relay) float64) metric {
	return one(prometheus.CounterValue, name, help, func(s *Snapshot) float64 { return sum(s, value) })
}

// ofRelay is a metric of one value for each of the busiest relays.
func ofRelay(kind prometheus.ValueType, name, help string, value func(r *admin.Relay) float64) metric {
	return metric{name: name, help: help, kind: kind, labels: []string{"relay"}, values: func(s *Snapshot, emit emit) {
		for _, r := range busiest(s.Peers.Relays) {
			if r.Address != "" { // else it isn't to be shown
				emit(value(r), r.Address)
			}
		}
	}}
}

// busiest are the relays with the most messages; of equal ones the first by address.
func busiest(relays []admin.Relay) []*admin.Relay {
	order := make([]*admin.Relay, len(relays))
	for i := range relays {
		order[i] = &relays[i]
	}
	slices.SortFunc(order, func(a, b *admin.Relay) int {
		return cmp.Or(cmp.Compare(b.Messages, a.Messages), cmp.Compare(a.Address, b.Address))
	})
	return order[:min(len(order), maxRelays)]
}
