package daemon

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/lockstep6/lockstep6/core/binding"
	"github.com/lockstep6/lockstep6/core/engine"
	"github.com/lockstep6/lockstep6/core/wire"
	"github.com/lockstep6/lockstep6/core/worker"
	"github.com/lockstep6/lockstep6/io/admin"
	"github.com/lockstep6/lockstep6/io/metrics"
)

// TestPools: bindings by pool and stripe, and whose they are, as a site finds them that is made over a table.
func TestPools(t *testing.T) {
	d, p := nodeB(t)
	for i, draft := range []binding.Draft{
		{State: binding.Bound, Expires: testNow + 10},
		{State: binding.Superseded, Expires: testNow + 10},
		{State: binding.Bound, Expires: testNow - 1, Owner: 1},
		{State: binding.Released, Expires: testNow - 1},
	} {
		bind(t, d, byte(i), draft)
	}
	h := d.table.NewHandle()
	defer h.Close()
	site, err := engine.NewSite(p, engine.NewView(p, engine.Memory{Owners: []uint8{1, 0, 2}}, 100), h, d.table.Shards())
	if err != nil {
		t.Fatal(err)
	}
	d.site.Store(site)
	want := []admin.Pool{{
		Link: "lan", Pool: "2001:db8:8000::/40", Kind: "IA_PD", Length: 56, Slots: "65536", Own: 2, Observed: 1, Used: 4.0 / 65536,
		Stripes: []admin.Stripe{
			{Stripe: 0, Node: "a", Used: 2, Size: 21846}, {Stripe: 1, Node: "b", Own: true, Used: 1, Size: 21845},
			{Stripe: 2, Node: "c", Used: 1, Size: 21845},
		},
	}}
	if diff := cmp.Diff(want, newOperator(d).Pools()); diff != "" {
		t.Errorf("pools (-want +got):\n%s", diff)
	}
}

// TestLatencyIsCumulative: what is beyond the last bound is in the count only.
func TestLatencyIsCumulative(t *testing.T) {
	var from worker.Latencies
	from.Buckets[0], from.Buckets[2], from.Buckets[worker.LatencyBuckets], from.Sum = 1, 2, 4, 3e9
	got := latency(from)
	last := got.Buckets[len(got.Buckets)-1]
	if got.Count != 7 || got.Sum != 3 || got.Buckets[0].Count != 1 || got.Buckets[1].Count != 1 || got.Buckets[2].Count != 3 || last.Count != 3 {
		t.Errorf("got %+v", got)
	}
}

func TestTypeNames(t *testing.T) {
	for of, want := range map[wire.MessageType]string{
		0: metrics.Unreadable, wire.Solicit: "Solicit", wire.InformationRequest: "Information-request", wire.Advertise: metrics.OtherType,
		wire.RelayReply: metrics.OtherType, 39: metrics.OtherType,
	} {
		if got := typeName(of); got != want {
			t.Errorf("type %d is counted as %s, want %s", of, got, want)
		}
	}
}
