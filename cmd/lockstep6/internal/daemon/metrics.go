package daemon

import (
	"net/http"

	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/metrics"
)

// Metrics implements admin.Node.
func (o *operator) Metrics() http.Handler { return o.metrics }

// snapshot is what a scrape shows. It takes no walk through the table.
func (o *operator) snapshot() metrics.Snapshot {
	d := o.d
	site, stored := d.site.Load(), d.store.State()
	s := metrics.Snapshot{
		State: o.State(), Dropped: make(map[string]uint64), Lacked: make(map[string]uint64), Refused: d.sockets.Stats().Refused, Pools: o.Pools(), Hooks: o.Hooks(), Outbox: o.Outbox(),
		Peers: o.cluster(site, new([256]admin.ObservedBindings), worker.Time(d.clock())), Granted: make(map[string]uint64), Registering: make(map[string]uint64), Registered: site.Registered(),
		Store: metrics.Store{
			Healthy: stored.Healthy, Damaged: stored.Damaged, Changes: stored.Changes, Unconfirmed: stored.Unconfirmed,
			Failures: stored.Breaks, LogSize: stored.LogSize, DiskSize: stored.DiskSize,
		},
	}
	d.measureRelays(s.Peers.Relays)
	for _, w := range d.workers {
		for t := range worker.MessageTypes {
			s.Dropped[typeName(t)] += w.Counters.DroppedType(t)
		}
		for r := engine.RegisteringNone + 1; r < engine.RegisteringCount; r++ {
			s.Registering[r.String()] += w.Counters.Registered(r)
		}
		for lack := range engine.LackCount {
			s.Lacked[lack.String()] += w.Counters.Lacked(lack)
		}
	}
	if d.queries != nil {
		q := d.queries.responder.Counters.Read()
		s.Leasequery = metrics.Leasequery{
			Queries: q.Queries, Refused: q.Refused, Clients: q.Clients, Dropped: q.Dropped, Connections: q.Connections,
			Rejected: q.Rejected, Slow: q.Slow, IndexWhole: d.store.IndexWhole(),
		}
	}
	s.Reconfigure = d.reconfigureTotals()
	if dns, on := o.DNS(); on {
		s.DNS = &dns
	}
	owned := site.Owned()
	for i := range site.Policy.Nodes {
		if i != site.Policy.Self {
			s.Granted[site.Policy.Nodes[i].Name] = owned[site.View.Owner(i)]
		}
	}
	return s
}

// typeName is the name by which a message type is counted where it got no answer.
func typeName(t wire.MessageType) string {
	switch {
	case t == 0:
		return metrics.Unreadable
	case t == wire.AddrRegInform || t >= wire.Solicit && t <= wire.InformationRequest && t != wire.Advertise && t != wire.Reply && t != wire.Reconfigure:
		return t.String()
	default:
		return metrics.OtherType
	}
}

// latency turns counts of buckets into cumulative ones, and nanoseconds into seconds.
func latency(from worker.Latencies) admin.Latency {
	out := admin.Latency{Sum: float64(from.Sum) / 1e9, Buckets: make([]admin.LatencyBucket, worker.LatencyBuckets)}
	for i := range out.Buckets {
		out.Count += from.Buckets[i]
		out.Buckets[i] = admin.LatencyBucket{Bound: float64(worker.LatencyBound(i)) / 1e9, Count: out.Count}
	}
	out.Count += from.Buckets[worker.LatencyBuckets]
	return out
}
