package metrics

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lockstep6/lockstep6/io/admin"
)

// poolLabels name a pool. Node is the only one that grants leases out of it; empty: all do.
var poolLabels = []string{"link", "pool", "kind", "node"}

// stripeLabels name a node's share of a dense pool. Node gives new leases from it before others do; own is true where that is
// this node.
var stripeLabels = []string{"link", "pool", "kind", "node", "stripe", "own"}

var poolMetrics = []metric{
	{
		name: "pool_bindings", help: "Bindings of a pool that this node granted (own), or knows of peers (observed), expired ones that aren't reclaimed yet too.",
		kind: prometheus.GaugeValue, labels: append([]string{"whose"}, poolLabels...),
		values: eachPool(func(p *admin.Pool, emit emit, labels []string) {
			emit(float64(p.Own), append([]string{"own"}, labels...)...)
			emit(float64(p.Observed), append([]string{"observed"}, labels...)...)
		}),
	},
	{
		name: "pool_slots", help: "How many leases a pool has.", kind: prometheus.GaugeValue, labels: poolLabels,
		values: eachPool(func(p *admin.Pool, emit emit, labels []string) {
			if slots, err := strconv.ParseFloat(p.Slots, 64); err == nil {
				emit(slots, labels...)
			}
		}),
	},
	{
		name: "pool_used_ratio", help: "Share of a pool's slots that are in use, 0 to 1.", kind: prometheus.GaugeValue, labels: poolLabels,
		values: eachPool(func(p *admin.Pool, emit emit, labels []string) { emit(p.Used, labels...) }),
	},
	{
		name: "pool_retiring", help: "Whether a pool is being retired (1): it gives no new leases, and its bindings end.",
		kind: prometheus.GaugeValue, labels: poolLabels,
		values: eachPool(func(p *admin.Pool, emit emit, labels []string) { emit(truth(p.Retiring), labels...) }),
	},
	{
		name: "pool_stripe_used_slots", help: "Slots of a node's share of a dense pool that are in use, excluded or reserved.",
		kind: prometheus.GaugeValue, labels: stripeLabels,
		values: eachStripe(func(t *admin.Stripe) uint64 { return t.Used }),
	},
	{
		name: "pool_stripe_slots", help: "Slots of a node's share of a dense pool.", kind: prometheus.GaugeValue, labels: stripeLabels,
		values: eachStripe(func(t *admin.Stripe) uint64 { return t.Size }),
	},
}

func eachPool(f func(p *admin.Pool, emit emit, labels []string)) func(*Snapshot, emit) {
	return func(s *Snapshot, emit emit) {
		for i := range s.Pools {
			p := &s.Pools[i]
			f(p, emit, []string{p.Link, p.Pool, p.Kind, p.Node})
		}
	}
}

func eachStripe(value func(t *admin.Stripe) uint64) func(*Snapshot, emit) {
	return func(s *Snapshot, emit emit) {
		for i := range s.Pools {
			p := &s.Pools[i]
			for k := range p.Stripes {
				t := &p.Stripes[k]
				emit(float64(value(t)), p.Link, p.Pool, p.Kind, t.Node, strconv.Itoa(t.Stripe), strconv.FormatBool(t.Own))
			}
		}
	}
}
